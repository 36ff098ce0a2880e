//! Texts that are made to cost more than their length: what a box spends on the largest of them is bounded.

#[path = "common/bank.rs"]
mod bank;

use bank::*;
use guida::pack::keys::SignedRole;
use guida::pack::manifest::MAX_MANIFEST_BYTES;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most memory that reading one file may take at a time: eight times the largest file.
const MOST: usize = 8 * MAX_MANIFEST_BYTES as usize;

/// Counts what is held, and the most that was held at a time.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came; the counters are beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(held, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A text of the largest size that begins like this and goes on with numbered pieces.
fn filled(begin: &str, piece: impl Fn(usize) -> String) -> Vec<u8> {
    let mut text = begin.as_bytes().to_vec();
    for number in 0.. {
        let next = piece(number);
        if text.len() + next.len() > MAX_MANIFEST_BYTES as usize {
            break;
        }
        text.extend(next.into_bytes());
    }
    text
}

// One test: others beside it would be counted with it.
#[test]
fn no_text_costs_more_than_a_multiple_of_its_length() {
    let sound = String::from_utf8(pack(&manifest(1, 1)).bytes).unwrap();
    let inside = |field: &str| format!("{{\"{field}\":[");
    let source = sound.find("\"sources\": [").unwrap() + "\"sources\": [".len();
    let texts: Vec<(&str, Vec<u8>)> = vec![
        ("lists in lists", filled("{\"a\":", |_| "[".to_owned())),
        ("objects in objects", filled("{\"a\":", |_| "{\"a\":".to_owned())),
        ("numbers", filled("{\"a\":[0", |_| ",0".to_owned())),
        ("empty objects", filled("{\"a\":[{}", |_| ",{}".to_owned())),
        ("keys", filled("{\"a\":0", |n| format!(",\"{n}\":0"))),
        ("growing keys", filled("{\"a\":0", |n| format!(",\"İ{n}\":0"))),
        ("escapes", filled("{\"a\":\"", |_| "\\u0041".to_owned())),
        ("one long text", filled("{\"a\":\"", |_| "x".repeat(4096))),
        ("one long key", filled("{\"", |_| "x".repeat(4096))),
        ("one long number", filled("{\"a\":1", |_| "0".repeat(4096))),
        ("words", filled(&inside("changelog"), |_| "\"\",".to_owned())),
        ("files", filled(&inside("files"), |_| "{\"role\":\"\"},".to_owned())),
        ("ways of one file", filled(&sound[..source], |_| "{\"kind\":\"full\"},".to_owned())),
        ("one large way", filled(&format!("{}{{\"a\":[0", &sound[..source]), |_| ",0".to_owned())),
        ("signatures", filled(&inside("signatures"), |_| "{\"keyid\":\"\",\"sig\":\"\"},".to_owned())),
    ];
    let (root, branch) = (plain_trust(), Branch::default());
    for (name, bytes) in texts {
        let signed = sign_bytes(SignedRole::Publish, bytes, &publishers());
        let before = HELD.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let refused = code(branch.check(&root, &signed));
        let cost = PEAK.load(Ordering::Relaxed) - before;
        println!("{name}: {refused}, {} KiB at most", cost >> 10);
        assert_eq!(refused, "PACK_PARSE", "{name}");
        assert!(cost < MOST, "{name} took {cost} bytes");
    }
    // As much as passes: nothing is refused, and it does not cost more either.
    let mut most = manifest(1, 1);
    most.changelog = (0..190_000).map(|n| n.to_string()).collect();
    let most = pack(&most);
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    assert_eq!(code(branch.check(&root, &most)), "OK");
    let cost = PEAK.load(Ordering::Relaxed) - before;
    println!("as much as passes: {} KiB at most", cost >> 10);
    assert!(cost < MOST, "{cost} bytes");
}
