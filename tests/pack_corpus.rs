//! The properties of `fuzz/` over its seeds and some thousand mutations of them: the same in every run, without a fuzzer.

#[path = "common/bank.rs"]
mod bank;
#[path = "../fuzz/properties.rs"]
mod properties;
#[path = "../fuzz/seeds.rs"]
mod seeds;

use seeds::Seed;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Mutations of each target's seeds.
const ROUNDS: usize = 4000;
/// Longest mutation, in bytes.
const LONGEST: usize = 8192;
/// Pieces of text that readers trip over.
const TOKENS: [&[u8]; 16] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"\\u0000",
    b"null",
    b"18446744073709551616",
    b"1e999",
    b"-0",
    b"\xff",
    b"\"seq\":1,",
    b"../",
    b"guida-pack/1",
];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

/// Numbers that are the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Below `end`; 0 when that is 0.
    fn below(&mut self, end: usize) -> usize {
        (self.throw() % end.max(1) as u64) as usize
    }

    fn part(&mut self, of: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(of.len());
        start..start + self.below((of.len() - start).min(64) + 1)
    }

    /// One change, as fuzzers make them.
    fn mutate(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(bytes.len());
        match self.below(7) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            1 if !bytes.is_empty() => bytes[at] = self.throw() as u8,
            2 => drop(bytes.drain(self.part(&bytes.clone()))),
            3 => {
                let copied = bytes[self.part(bytes)].to_vec();
                bytes.splice(at..at, copied);
            }
            4 => drop(bytes.splice(at..at, TOKENS[self.below(TOKENS.len())].iter().copied())),
            5 => {
                let range = self.part(bytes);
                let foreign = other[self.part(other)].to_vec();
                bytes.splice(range, foreign);
            }
            _ => bytes.truncate(at),
        }
        bytes.truncate(LONGEST);
    }
}

fn run(target: &str, property: fn(&[u8])) {
    let seeds: Vec<Vec<u8>> = seeds::all().into_iter().filter(|seed| seed.0 == target).map(|seed| seed.2).collect();
    assert!(seeds.len() >= 10, "{target} has {} seeds", seeds.len());
    seeds.iter().for_each(|seed| property(seed));
    let mut dice = Dice(target.len() as u64);
    for _ in 0..ROUNDS {
        let mut bytes = seeds[dice.below(seeds.len())].clone();
        let other = &seeds[dice.below(seeds.len())];
        for _ in 0..=dice.below(4) {
            dice.mutate(&mut bytes, other);
        }
        property(&bytes);
    }
}

#[test]
fn manifests() {
    run("manifest", properties::manifest);
}

#[test]
fn roots() {
    run("root", properties::root);
}

#[test]
fn signatures() {
    run("signatures", properties::signatures);
}

#[test]
fn zstd_parts() {
    run("zstd_part", properties::zstd_part);
}

#[test]
fn the_committed_seeds_are_those_that_are_made() {
    let (mut names, mut total) = (BTreeSet::new(), 0);
    for Seed(target, name, made) in seeds::all() {
        let path = corpus().join(target).join(name);
        if std::env::var_os("GUIDA_WRITE_SEEDS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &made).unwrap();
        }
        let committed = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; see fuzz/Cargo.toml", path.display()));
        // Another zstd may write other bytes that say the same.
        assert!(target == "zstd_part" || committed == made, "{} is not what seeds.rs makes", path.display());
        total += committed.len();
        names.insert(path);
    }
    let present = fs::read_dir(corpus()).unwrap().flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    for file in present {
        let path = file.unwrap().path();
        assert!(names.contains(&path), "{} is not made by seeds.rs", path.display());
        let property = match path.parent().and_then(Path::file_name).and_then(|name| name.to_str()) {
            Some("manifest") => properties::manifest,
            Some("root") => properties::root,
            Some("signatures") => properties::signatures,
            Some("zstd_part") => properties::zstd_part,
            other => panic!("{other:?} is no target"),
        };
        property(&fs::read(&path).unwrap());
    }
    assert!(total < 200 << 10, "{total} bytes of seeds");
}
