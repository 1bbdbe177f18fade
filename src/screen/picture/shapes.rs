//! Lines and blocks as shapes, because fonts leave gaps between them.
//!
//! Owns the geometry of one cell, in units of a fortieth of its width and height.

/// A filled rectangle within a cell: left, top, right, bottom, 0 to 40.
pub(super) type Part = [u8; 4];
/// Units of a cell, across and down.
pub(super) const UNITS: u8 = 40;

/// What a character is drawn with instead of a font's glyph: parts, and how much of the colour, in percent.
pub(super) fn parts(symbol: &str) -> Option<(Vec<Part>, u8)> {
    let mut characters = symbol.chars();
    let character = characters.next().filter(|_| characters.next().is_none())?;
    let solid = |part: Part| Some((vec![part], 100));
    match character {
        '█' => solid([0, 0, 40, 40]),
        '▀' => solid([0, 0, 40, 20]),
        // Lower eighths, from one to seven.
        '▁'..='▇' => {
            let eighths = u8::try_from(u32::from(character) - 0x2580).ok()?;
            solid([0, 40 - 5 * eighths, 40, 40])
        }
        // Left eighths, from seven to one.
        '▉'..='▏' => {
            let eighths = u8::try_from(0x2590 - u32::from(character)).ok()?;
            solid([0, 0, 5 * eighths, 40])
        }
        '▐' => solid([20, 0, 40, 40]),
        '░' => Some((vec![[0, 0, 40, 40]], 22)),
        '▒' => Some((vec![[0, 0, 40, 40]], 45)),
        '▓' => Some((vec![[0, 0, 40, 40]], 70)),
        _ => arms(character).map(|arms| (lines(arms), 100)),
    }
}

/// How a line leaves a cell: not, thin, thick or double; to the left, the right, up and down.
fn arms(character: char) -> Option<[u8; 4]> {
    Some(match character {
        '─' => [1, 1, 0, 0],
        '│' => [0, 0, 1, 1],
        '┌' => [0, 1, 0, 1],
        '┐' => [1, 0, 0, 1],
        '└' => [0, 1, 1, 0],
        '┘' => [1, 0, 1, 0],
        '├' => [0, 1, 1, 1],
        '┤' => [1, 0, 1, 1],
        '┬' => [1, 1, 0, 1],
        '┴' => [1, 1, 1, 0],
        '┼' => [1, 1, 1, 1],
        '━' => [2, 2, 0, 0],
        '┃' => [0, 0, 2, 2],
        '┏' => [0, 2, 0, 2],
        '┓' => [2, 0, 0, 2],
        '┗' => [0, 2, 2, 0],
        '┛' => [2, 0, 2, 0],
        '┣' => [0, 2, 2, 2],
        '┫' => [2, 0, 2, 2],
        '┳' => [2, 2, 0, 2],
        '┻' => [2, 2, 2, 0],
        '╋' => [2, 2, 2, 2],
        '═' => [3, 3, 0, 0],
        '║' => [0, 0, 3, 3],
        '╔' => [0, 3, 0, 3],
        '╗' => [3, 0, 0, 3],
        '╚' => [0, 3, 3, 0],
        '╝' => [3, 0, 3, 0],
        _ => return None,
    })
}

/// The rectangles of lines. A cell is half as wide as high, so that a unit across is half a unit down.
fn lines([left, right, up, down]: [u8; 4]) -> Vec<Part> {
    // Half of a line's thickness, across and down.
    let (across, below) = if [left, right, up, down].contains(&2) { (5, 2) } else { (3, 1) };
    let double = [left, right, up, down].contains(&3);
    let (near, far) = if double { ([14_i8, 22], [17_i8, 21]) } else { ([20, 20], [20, 20]) };
    let mut parts = Vec::new();
    for (index, x) in near.into_iter().enumerate() {
        if !double && index > 0 {
            break;
        }
        let y = far[index];
        let (x, y) = (x.unsigned_abs(), y.unsigned_abs());
        let (west, east) = (x.saturating_sub(across), x + across);
        let (north, south) = (y.saturating_sub(below), y + below);
        // Of a double corner, the outer line turns on the far side of where the inner one does.
        let (turn_x, turn_y) = match double {
            false => ((west, east), (north, south)),
            true => double_turn(index, [left, right, up, down], across, below),
        };
        if left > 0 {
            parts.push([0, north, if right > 0 { UNITS } else { turn_x.1 }, south]);
        } else if right > 0 {
            parts.push([turn_x.0, north, UNITS, south]);
        }
        if up > 0 {
            parts.push([west, 0, east, if down > 0 { UNITS } else { turn_y.1 }]);
        } else if down > 0 {
            parts.push([west, turn_y.0, east, UNITS]);
        }
    }
    parts
}

/// Where the horizontal and the vertical line number `index` of a double corner end.
fn double_turn(index: usize, [left, _, up, _]: [u8; 4], across: u8, below: u8) -> ((u8, u8), (u8, u8)) {
    const ACROSS: [u8; 2] = [14, 22];
    const DOWN: [u8; 2] = [17, 21];
    // The upper horizontal line meets the left vertical one where the corner opens down right or up left.
    let same = (left > 0) == (up > 0);
    let met = if same { index } else { 1 - index };
    let (x, y) = (ACROSS[met], DOWN[met]);
    ((x.saturating_sub(across), x + across), (y.saturating_sub(below), y + below))
}
