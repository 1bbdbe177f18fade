//! Words that were probably meant.
//!
//! Owns one rule: a word with one letter too few, too many, wrong or swapped is the one that was meant.

/// Whether one letter inserted, left out or replaced, or two neighbours swapped, make one word the other.
pub fn is_near(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let same = short.iter().zip(&long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    match (short, long) {
        ([], []) => true,
        (short, [_, long @ ..]) if short == long => true,
        ([_, short @ ..], [_, long @ ..]) if short == long => true,
        ([a, b, short @ ..], [c, d, long @ ..]) => (a, b) == (d, c) && short == long,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn one_slip_is_near_and_two_are_not() {
        for near in ["arm", "rm", "am", "ar", "armm", "xarm", "ram", "amr", "arn", "brm"] {
            assert!(is_near(near, "arm") && is_near("arm", near), "{near}");
        }
        for far in ["", "a", "mra", "armada", "art-m", "xrn"] {
            assert!(!is_near(far, "arm"), "{far}");
        }
    }
}
