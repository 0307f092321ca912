//! Timelines as plain text: one column for each of their cells.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::widgets::Widget as _;
use ratatui_widgets::sparkline::Sparkline;

use super::timeline::{CELL, CELLS};

/// One line of bars; `full` is as high as a bar can be. A cell with nothing in it is a dot.
pub(crate) fn bars(values: &[u64; CELLS], full: u64) -> String {
    let area = Rect::new(0, 0, CELLS as u16, 1);
    let mut buffer = Buffer::empty(area);
    Sparkline::default().data(values).max(full).render(area, &mut buffer);
    let drawn = buffer.content().iter().zip(values).map(|(cell, value)| {
        // Whatever is above nothing shows at least as the lowest bar.
        match (cell.symbol(), value) {
            (_, 0) => "·",
            (" ", _) => "▁",
            (bar, _) => bar,
        }
    });
    drawn.collect()
}

/// The seconds above such lines, one mark every `step`.
pub(crate) fn axis(step: u64) -> String {
    let mut axis = vec![b' '; CELLS];
    let cell_ms = CELL.as_millis() as u64;
    for second in (0..CELLS as u64 * cell_ms / 1_000).step_by(step as usize) {
        let from = (second * 1_000 / cell_ms) as usize;
        let mark = format!("{second} s");
        for (cell, letter) in axis[from..].iter_mut().zip(mark.bytes()) {
            *cell = letter;
        }
    }
    String::from_utf8(axis).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{axis, bars};
    use crate::four_contracts::timeline::CELLS;

    #[test]
    fn a_bar_tells_nothing_from_little_and_little_from_much() {
        let mut values = [0; CELLS];
        values[..4].copy_from_slice(&[0, 1, 50, 100]);
        let drawn: Vec<char> = bars(&values, 100).chars().collect();
        assert_eq!(drawn.len(), CELLS);
        assert_eq!(drawn[..5], ['·', '▁', '▄', '█', '·']);
    }

    #[test]
    fn an_axis_is_as_wide_as_a_line_of_bars() {
        assert_eq!(axis(6).len(), CELLS);
        assert!(axis(6).starts_with("0 s         6 s "));
    }
}
