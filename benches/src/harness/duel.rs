//! `Contestant` and the duel between two of them.
//!
//! Rounds alternate A B, B A, A B, so that a machine that warms up, throttles or is shared treats
//! both alike, and the ratio is taken inside each round. Each batch is preceded by an untimed
//! quarter of itself, which brings the contestant's own data back into the caches that the other
//! has just used.

use std::time::Duration;

use super::Spread;

/// How often and how long each side of a duel runs.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Rounds; odd, so that there is a median.
    pub rounds: usize,
    /// Processor time that one batch aims for.
    pub batch: Duration,
}

/// One side of a duel: runs a number of calls and says how many nanoseconds they took.
pub struct Contestant {
    run: Box<dyn FnMut(usize) -> f64>,
}

/// What a duel found.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Nanoseconds a call of the subject, the median of the rounds.
    pub subject_ns: f64,
    /// Nanoseconds a call of the opponent, the median of the rounds.
    pub opponent_ns: f64,
    /// Subject over opponent, round by round.
    pub ratio: Spread,
}

impl Contestant {
    /// A side from a function that makes that many calls and returns the nanoseconds they took.
    pub fn new(run: impl FnMut(usize) -> f64 + 'static) -> Self {
        Self { run: Box::new(run) }
    }

    /// Fights the opponent at this pace.
    pub fn duel(mut self, mut opponent: Self, pace: Pace) -> Outcome {
        let subject_calls = self.calibrate(pace.batch);
        let opponent_calls = opponent.calibrate(pace.batch);
        let rounds: Vec<(f64, f64)> = (0..pace.rounds)
            .map(|round| {
                if round % 2 == 0 {
                    let subject_ns = self.batch(subject_calls);
                    (subject_ns, opponent.batch(opponent_calls))
                } else {
                    let opponent_ns = opponent.batch(opponent_calls);
                    (self.batch(subject_calls), opponent_ns)
                }
            })
            .collect();
        Outcome {
            subject_ns: Spread::of(rounds.iter().map(|round| round.0)).median,
            opponent_ns: Spread::of(rounds.iter().map(|round| round.1)).median,
            ratio: Spread::of(rounds.iter().map(|round| round.0 / round.1)),
        }
    }

    /// Nanoseconds a call over one warmed batch.
    fn batch(&mut self, calls: usize) -> f64 {
        (self.run)(calls / 4);
        (self.run)(calls) / calls as f64
    }

    /// The number of calls that takes about as long as a batch should.
    fn calibrate(&mut self, batch: Duration) -> usize {
        let wanted_ns = batch.as_secs_f64() * 1e9;
        let mut calls = 64;
        loop {
            let taken_ns = (self.run)(calls);
            if taken_ns >= wanted_ns / 4.0 {
                return ((wanted_ns / taken_ns * calls as f64) as usize).max(4);
            }
            calls *= 2;
        }
    }
}
