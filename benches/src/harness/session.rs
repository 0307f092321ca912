//! `Session`: one run of the program, which collects rows as they come.

use super::{
    Claim, Contestant, Entrant, Flood, Options, Pace, Row, Spread, TableReport, Unit, Who,
    disturbed_batches,
};

/// Options, and the rows so far. A row is printed as soon as it is known.
pub struct Session {
    /// What was asked for.
    pub options: Options,
    report: TableReport,
    listed: usize,
}

impl Session {
    /// Starts a run and prints the table's head.
    pub fn new(options: Options) -> Self {
        if !options.list {
            println!("{}", head());
            println!("{}", Row::TITLE);
        }
        Self { options, report: TableReport::default(), listed: 0 }
    }

    /// Whether any row of this case is asked for: ask before building tables. Listing builds none.
    pub fn wants(&mut self, case: &str) -> bool {
        let wanted = self.options.keeps(case);
        if wanted && self.options.list {
            println!("{case}");
            self.listed += 1;
            return false;
        }
        wanted
    }

    /// Lets two sides fight, and adds the row.
    pub fn duel(
        &mut self,
        case: &str,
        claim: Claim,
        pace: Pace,
        (subject, subject_side): (&'static str, Contestant),
        (opponent, opponent_side): (&'static str, Contestant),
    ) {
        let outcome = subject_side.duel(opponent_side, pace);
        self.push(Row {
            case: case.to_owned(),
            subject,
            subject_figure: outcome.subject_ns,
            opponent,
            opponent_figure: outcome.opponent_ns,
            ratio: outcome.ratio,
            claim,
            unit: Unit::Nanoseconds,
        });
    }

    /// Floods both in turns, and adds a row for the mean and one for the worst insertion.
    pub fn flood<K: Send + Sync + 'static>(
        &mut self,
        case: &str,
        [mean, worst]: [Claim; 2],
        keys: &[K],
        subject: &dyn Fn() -> Entrant<K>,
        opponent: &dyn Fn() -> Entrant<K>,
    ) {
        let passes = if self.options.quick { 1 } else { 5 };
        let (mut ours, mut theirs) = (Flood::default(), Flood::default());
        for _ in 0..passes {
            ours.pass(keys, subject);
            theirs.pass(keys, opponent);
        }
        let (subject, opponent) = (subject(), opponent());
        let spread = |ours: &[f64], theirs: &[f64]| {
            Spread::of(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs))
        };
        let row = |what, claim, subject_figure, opponent_figure, ratio| Row {
            case: format!("{case}/{what}"),
            subject: subject.name,
            subject_figure,
            opponent: opponent.name,
            opponent_figure,
            ratio,
            claim,
            unit: Unit::Nanoseconds,
        };
        let median = |flood: &Flood| Spread::of(flood.means_ns.iter().copied()).median;
        let means = spread(&ours.means_ns, &theirs.means_ns);
        let mean_row = row("mean", mean, median(&ours), median(&theirs), means);
        // The ratio is of the two figures without noise; the spread shows what single passes say.
        let fixed_hash = |entrant: &Entrant<K>| entrant.who != Who::RateNet;
        let our_worst = ours.worst_ns(fixed_hash(&subject));
        let their_worst = theirs.worst_ns(fixed_hash(&opponent));
        let median = our_worst / their_worst;
        let worsts = Spread { median, ..spread(&ours.worsts_ns, &theirs.worsts_ns) };
        let worst_row = row("worst", worst, our_worst, their_worst, worsts);
        self.push(mean_row);
        self.push(worst_row);
    }

    /// Adds a row of bytes a key, which is counted once and has no spread.
    pub fn bytes(
        &mut self,
        case: &str,
        claim: Claim,
        (subject, subject_bytes): (&'static str, f64),
        (opponent, opponent_bytes): (&'static str, f64),
    ) {
        let ratio = subject_bytes / opponent_bytes;
        self.push(Row {
            case: case.to_owned(),
            subject,
            subject_figure: subject_bytes,
            opponent,
            opponent_figure: opponent_bytes,
            ratio: Spread { median: ratio, least: ratio, greatest: ratio },
            claim,
            unit: Unit::Bytes,
        });
    }

    /// The last lines of the run.
    pub fn finish(self) -> String {
        if self.options.list {
            return format!("{} cases\n", self.listed);
        }
        let (budgets, kept) = self.report.budgets_kept();
        let (disturbed, together) = disturbed_batches();
        let warning = if disturbed * 5 > together {
            format!(
                "the rows of 2 threads are not to be trusted: in {disturbed} of {together} batches \
                 the threads did not run side by side; the machine is busy\n"
            )
        } else {
            String::new()
        };
        format!("{warning}{kept} of {budgets} budgets kept\n")
    }

    fn push(&mut self, row: Row) {
        println!("{row}");
        self.report.push(row);
    }
}

/// What a reader must know to compare two tables.
fn head() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{} cores, {}; times are processor time a call (wall time for 2 threads), medians of interleaved rounds; cost = subject / \
         against, gain = against / subject",
        cores,
        std::env::consts::ARCH,
    )
}
