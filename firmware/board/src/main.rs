//! Runs the conformance cases on a Cortex-M board, and lets an interrupt share a cell with the main
//! program. The exit status is 0 if all went as expected, else 1, with what did not on the console.

#![no_std]
#![no_main]

mod cases;
mod format;
#[cfg(feature = "critical-section")]
mod interrupt;
mod stack;
mod subject;

use core::fmt::Debug;

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use panic_semihosting as _;

use cases::{BLOB, Call, Cases, Op};
use subject::{PlanSubject, Subject};

const BOARD: &str = env!("RATECELL_BOARD");

/// Of steps that differ.
const MOST_PRINTED: u64 = 5;

#[entry]
fn main() -> ! {
    run_cases();
    #[cfg(feature = "critical-section")]
    share_with_interrupt();
    loop {
        debug::exit(debug::EXIT_SUCCESS);
    }
}

/// Runs every case in flash, prints what differs, and panics at the end if anything did.
fn run_cases() {
    let mut cases = Cases::new(BLOB);
    let [singles, singles_here, plans, plans_here] = [(); 4].map(|()| cases.number());
    let mut tally = Tally::default();
    for _ in 0..singles_here {
        run_single(&mut cases, &mut tally);
    }
    let plans_run = (0..plans_here).filter(|_| run_plan(&mut cases, &mut tally)).count();
    hprintln!(
        "{}: {} of {} single cases and {} of {} plan cases, {} steps, {} differ",
        BOARD,
        singles_here,
        singles,
        plans_run,
        plans,
        tally.steps,
        tally.differ
    );
    hprintln!("{}: {} bytes of stack at most", BOARD, stack::most_used());
    assert!(cases.is_over(), "more is in the blob than was run");
    assert!(singles_here > 0 && tally.steps > 0, "no cases are in the blob");
    assert_eq!(tally.differ, 0, "steps that differ");
}

/// What has been run.
#[derive(Default)]
struct Tally {
    steps: u64,
    differ: u64,
}

impl Tally {
    /// Counts a step; prints the first few that differ.
    fn count<T: PartialEq + Debug>(&mut self, place: Place, given: T, expected: T) {
        self.steps += 1;
        if given == expected {
            return;
        }
        self.differ += 1;
        if self.differ <= MOST_PRINTED {
            hprintln!("{}: {:?}:\n  given    {:?}\n  expected {:?}", BOARD, place, given, expected);
        }
    }
}

/// Where a step is, for whoever looks for it in the files.
#[derive(Debug)]
#[expect(dead_code, reason = "read by Debug")]
struct Place {
    case: &'static str,
    step: u64,
    call: Call,
}

/// Runs one case on one fresh cell.
fn run_single(cases: &mut Cases, tally: &mut Tally) {
    let case = cases.begin_case();
    let subject = Subject::new(&cases.rule());
    for step in 0..cases.number() {
        let call = cases.call();
        let place = Place { case, step, call };
        match call.op {
            Op::Acquire => {
                let given = subject.acquire(cases.now_ns(), call.cost);
                tally.count(place, given, cases.answer());
            }
            Op::Peek => {
                let given = subject.peek(cases.now_ns(), call.cost);
                tally.count(place, given, cases.answer());
            }
            Op::Release { ok } => tally.count(place, subject.release(call.cost), ok),
        }
    }
}

/// Runs one case on one fresh plan; false if the board has no room for it.
fn run_plan(cases: &mut Cases, tally: &mut Tally) -> bool {
    let case = cases.begin_case();
    let subject = PlanSubject::new(&cases.named_rules());
    let words = cases.words();
    for step in 0..cases.number() {
        let call = cases.call();
        let place = Place { case, step, call };
        let is_release = matches!(call.op, Op::Release { .. });
        let now_ns = if is_release { 0 } else { cases.now_ns() };
        let keys = cases.keys(&words);
        let expected = (!is_release).then(|| cases.plan_answer());
        let Some(subject) = &subject else { continue };
        match call.op {
            Op::Acquire => {
                tally.count(place, Some(subject.acquire(now_ns, &keys, call.cost)), expected);
            }
            Op::Peek => tally.count(place, Some(subject.peek(now_ns, &keys, call.cost)), expected),
            // In the files the permits of a plan's release are always held.
            Op::Release { .. } => tally.count(place, subject.release(&keys, call.cost), true),
        }
    }
    subject.is_some()
}

#[cfg(feature = "critical-section")]
fn share_with_interrupt() {
    let mut core = cortex_m::Peripherals::take().expect("taken once");
    let interrupt::Shares { main, interrupt } = interrupt::share(&mut core.SYST);
    hprintln!(
        "{}: a cell shared with an interrupt: {} + {} units, the whole burst and no more",
        BOARD,
        main,
        interrupt
    );
}
