//! The tree by itself: no context, no model.

use super::*;

/// A part that was computed and is rested on by nobody.
fn resident(tree: &mut Tree, parent: Option<NodeId>, tokens: &[i32], holder: i32) -> NodeId {
    let id = tree.claim(parent, tokens);
    tree.hold(id, holder);
    tree.leave(id);
    id
}

#[test]
fn equal_tokens_behind_another_beginning_are_another_part() {
    let mut tree = Tree::new(0);
    let opening = resident(&mut tree, None, &[1, 2], 10);
    let other = resident(&mut tree, None, &[3], 11);
    let block = resident(&mut tree, Some(opening), &[7, 8], 12);
    assert_eq!(tree.find(Some(opening), &[7, 8]), Some(block));
    assert_eq!((tree.find(Some(other), &[7, 8]), tree.find(None, &[7, 8])), (None, None));
    assert_eq!((tree.span(block), tree.cells()), ((2, 4), 5));
}

#[test]
fn what_nobody_finishes_is_forgotten() {
    let mut tree = Tree::new(0);
    let opening = resident(&mut tree, None, &[1], 10);
    let block = tree.claim(Some(opening), &[2, 3]);
    assert_eq!((tree.place(block), tree.cells()), (Some(Place::Filling), 3));
    tree.leave(block);
    assert_eq!((tree.place(block), tree.find(Some(opening), &[2, 3]), tree.cells()), (None, None, 1));
}

#[test]
fn the_context_gives_up_ends_before_beginnings_and_never_what_is_in_use() {
    let mut tree = Tree::new(0);
    let opening = resident(&mut tree, None, &[1], 10);
    let old = resident(&mut tree, Some(opening), &[2], 11);
    let new = resident(&mut tree, Some(opening), &[3], 12);
    tree.enter(old);
    assert_eq!(tree.dispensable(&[]), Some(new));
    assert_eq!(tree.dispensable(&[new]), None, "the opening has parts behind it");
    assert_eq!(tree.dismiss(new), Some(12));
    assert_eq!(tree.find(Some(opening), &[3]), None, "nothing of it is left");
    tree.leave(old);
    assert_eq!((tree.dispensable(&[]), tree.dismiss(old)), (Some(old), Some(11)));
    assert_eq!(tree.dispensable(&[]), Some(opening));
}

#[test]
fn the_host_store_keeps_its_budget_and_whole_paths() {
    let mut tree = Tree::new(100);
    let opening = resident(&mut tree, None, &[1], 10);
    let first = resident(&mut tree, Some(opening), &[2], 11);
    let second = resident(&mut tree, Some(opening), &[3], 12);
    assert_eq!(tree.unstored(), Some(opening), "beginnings first");
    assert!(tree.store(opening, vec![0; 40]) && tree.store(first, vec![0; 40]));
    tree.dismiss(first);
    assert_eq!(tree.place(first), Some(Place::Stored));
    // The first gives way, the opening of the second does not.
    assert!(tree.store(second, vec![0; 40]));
    assert_eq!((tree.place(first), tree.bytes(opening).map(<[u8]>::len)), (None, Some(40)));
    assert!(!tree.store(second, vec![0; 101]));
    let mut figures = CacheFigures::default();
    tree.count(&mut figures);
    assert_eq!((figures.stored_bytes, figures.stored_tokens, figures.resident_tokens), (80, 2, 2));
}

#[test]
fn kept_parts_are_taken_in_behind_their_beginnings() {
    let mut tree = Tree::new(100);
    let path: Vec<Vec<i32>> = vec![vec![1], vec![2]];
    assert!(!tree.adopt(&path, vec![0; 10]), "its beginning is missing");
    assert!(tree.adopt(&path[..1], vec![0; 10]) && tree.adopt(&path, vec![0; 10]));
    assert!(!tree.adopt(&path, vec![0; 10]), "it is there");
    let id = tree.find(tree.find(None, &[1]), &[2]).expect("found");
    assert_eq!((tree.place(id), tree.path_tokens(id), tree.unfiled()), (Some(Place::Stored), path, None));
}
