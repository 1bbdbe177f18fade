use super::QuietActivity;
use crate::engine::sample::Counts;

fn after(samples: &[(u32, u32)]) -> Option<u32> {
    let mut quiet = QuietActivity::default();
    for &(active, masked) in samples {
        quiet.observe(&Counts { active, masked, ..Counts::default() });
    }
    quiet.median()
}

#[test]
fn four_samples_are_enough_for_a_median() {
    assert_eq!(after(&[(3, 0), (5, 0), (4, 0)]), None);
    assert_eq!(after(&[(3, 0), (900, 0), (4, 0), (4, 0)]), Some(4));
}

#[test]
fn what_is_masked_is_not_calm() {
    assert_eq!(after(&[(3, 0), (3, 0), (3, 0), (3, 0), (1, 2)]), None, "unknown, and not 3 or 1");
}

#[test]
fn only_the_last_minute_counts() {
    let mut samples = vec![(100, 0); 60];
    samples.extend([(2, 0); 31]);
    assert_eq!(after(&samples), Some(2));
}
