//! What the fuzzer has found worth keeping, read again with every test.

use std::path::{Path, PathBuf};

use lockpit::log::{Ending, Head};

use super::compat::from_the_future;
use super::flight::everything;
use super::forge::{flag, kind, records, taken_apart, with_streams};
use super::harness;
use super::small_disk::skipped;
use super::support::{place, read, three_segments};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn each_of(target: &str, run: fn(&[u8])) {
    if !Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml").exists() {
        skipped("this is a package, which comes without the fuzz targets");
        return;
    }
    let entries = std::fs::read_dir(corpus(target)).expect("a corpus");
    let mut n_files = 0;
    for entry in entries {
        let path = entry.expect("an entry").path();
        run(&std::fs::read(&path).expect("a file of the corpus"));
        n_files += 1;
    }
    assert!(n_files > 20, "{n_files} files of the corpus of {target}");
}

#[test]
fn the_reader_survives_the_fuzzers_corpus() {
    each_of("reader", harness::reader);
}

#[test]
fn the_codec_survives_the_fuzzers_corpus() {
    each_of("codec", harness::codec);
}

#[test]
fn what_the_fuzzer_makes_fit_is_a_log() {
    let (_dir, path) = place();
    let intact = everything(&path).bytes;
    let mut bytes = intact.clone();
    harness::fit(&mut bytes);
    assert!(bytes == intact, "an intact log fits already");
    // The flight's identity, the number of a tick, a letter of META.
    let found = records(&intact);
    let tick = found.iter().rfind(|record| record.flags == flag::BATCH | flag::PIECE).expect("one");
    for byte in [20, tick.at + 12, found[0].end - 3] {
        bytes[byte] ^= 1;
    }
    harness::fit(&mut bytes);
    std::fs::write(&path, &bytes).expect("written");
    assert_eq!(read(&path).1, Ending::Complete);
    assert_ne!(Head::read(&path).expect("a log").flight, intact[20..36]);
}

/// Logs and columns for a fuzzer to begin with:
/// `cargo test --test log -- --ignored seeds_of_the_fuzz_targets`.
#[test]
#[ignore = "writes into fuzz/corpus"]
fn seeds_of_the_fuzz_targets() {
    let (_dir, path) = place();
    let whole = everything(&path).bytes;
    let (_dir, path) = place();
    let small = three_segments(&path);
    let folder = corpus("reader");
    std::fs::create_dir_all(&folder).expect("a folder");
    let future = from_the_future(&whole);
    let first =
        records(&small).into_iter().filter(|record| record.kind == kind::SEGMENT).nth(1).expect("two").at;
    for (name, bytes) in
        [("everything", &whole[..]), ("future", &future), ("small", &small), ("torn", &small[..first])]
    {
        std::fs::write(folder.join(name), bytes).expect("written");
    }

    let folder = corpus("codec");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut segments: Vec<Vec<u8>> = Vec::new();
    for with_schema in [false, true] {
        with_streams(taken_apart(&whole), |found, plain| {
            let columns = match found.kind {
                kind::SCHEMA => {
                    segments.push(Vec::new());
                    if !with_schema {
                        plain.clear();
                    }
                    0
                }
                kind::SAMPLE => 0,
                kind::WATCH => 1,
                kind::HOST => 2,
                kind::KEYFRAME => 3,
                _ => return,
            };
            let segment = segments.last_mut().expect("a schema comes first");
            segment.push(columns);
            segment.extend((plain.len() as u16).to_le_bytes());
            segment.extend_from_slice(plain);
        });
    }
    for (n, segment) in segments.iter().enumerate() {
        std::fs::write(folder.join(format!("segment-{n}")), segment).expect("written");
    }
}
