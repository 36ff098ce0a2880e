//! What stands around the text of a page: running heads, page numbers, who printed it, and the words that lie across it.

use super::layout::Line;
use super::starts::begins_clause;
use std::collections::{HashMap, HashSet};

/// Lines at the top and bottom of a page that may be running heads or page numbers.
const EDGE_LINES: usize = 3;
/// A line repeated at the same height on this many pages is a running head.
const REPEATED_PAGES: usize = 3;
/// On fewer pages it must stand apart from the text: this much further than lines stand from each other.
const APART: f32 = 1.6;
/// Text this much larger than the body that is repeated at its place is a watermark.
const WATERMARK_RATIO: f32 = 1.8;
/// Text this much smaller than the body is none of it.
const SMALLER: f32 = 0.95;
/// Longest line of a printer, in characters.
const MAX_PRINTED: usize = 60;

/// Words with which a printer or an office signs each page.
const PRINTED: [&str; 12] = [
    "打印人",
    "打印时间",
    "打印日期",
    "打印用户",
    "下载人",
    "下载时间",
    "内部资料",
    "严禁外传",
    "注意保密",
    "仅供内部",
    "内部使用",
    "请勿外传",
];

/// For each page the lines that are not of the text.
pub(super) fn find(pages: &[Vec<Line>], body: f32) -> Vec<Vec<usize>> {
    let mut seen: HashMap<(String, i32), usize> = HashMap::new();
    for page in pages {
        for (at, line) in page.iter().enumerate() {
            if is_edge(at, page.len()) || line.size > body * WATERMARK_RATIO {
                *seen.entry(place(line)).or_default() += 1;
            }
        }
    }
    let pitch = pitch(pages);
    let dropped: Vec<Vec<usize>> = pages
        .iter()
        .map(|page| {
            let around = |at: usize, line: &Line| {
                let (text, height) = place(line);
                // Heights are rounded, so a line may fall on either side.
                let near: usize = (height - 1..=height + 1).filter_map(|h| seen.get(&(text.clone(), h))).sum();
                if line.size > body * WATERMARK_RATIO && near >= REPEATED_PAGES {
                    return true;
                }
                if !is_edge(at, page.len()) {
                    return false;
                }
                if is_page_number(&line.text) {
                    return true;
                }
                let apart = stands_apart(page, at, pitch, body);
                let repeated = near >= REPEATED_PAGES || near > 1 && apart;
                let signed = line.text.chars().count() <= MAX_PRINTED
                    && apart
                    && !line.text.contains('。')
                    && PRINTED.iter().any(|word| line.text.contains(word));
                (repeated || signed) && !begins_clause(&line.text)
            };
            page.iter().enumerate().filter(|(at, line)| around(*at, line)).map(|(at, _)| at).collect()
        })
        .collect();
    // Where heads stand on some pages, others name their chapters.
    let heights: HashSet<i32> = pages
        .iter()
        .zip(&dropped)
        .flat_map(|(page, dropped)| dropped.iter().filter_map(|at| page.get(*at)))
        .filter(|line| line.size < body * SMALLER)
        .map(|line| place(line).1)
        .collect();
    let beside = |page: &[Line], at: usize, line: &Line| {
        let height = place(line).1;
        is_edge(at, page.len()) && line.size < body * SMALLER && (height - 1..=height + 1).any(|h| heights.contains(&h))
    };
    let all = pages.iter().zip(dropped).map(|(page, mut dropped)| {
        let more = page.iter().enumerate().filter(|(at, line)| !dropped.contains(at) && beside(page, *at, line));
        let more: Vec<usize> = more.map(|(at, _)| at).collect();
        dropped.extend(more);
        dropped
    });
    all.collect()
}

fn is_edge(at: usize, count: usize) -> bool {
    at < EDGE_LINES || at + EDGE_LINES >= count
}

/// The usual distance of two lines.
fn pitch(pages: &[Vec<Line>]) -> f32 {
    let pairs = pages.iter().flat_map(|page| page.windows(2));
    let mut gaps: Vec<f32> = pairs
        .filter_map(|pair| if let [a, b] = pair { Some(a.y - b.y) } else { None })
        .filter(|gap| *gap > 1.0)
        .collect();
    gaps.sort_by(f32::total_cmp);
    gaps.get(gaps.len() / 2).copied().unwrap_or(f32::MAX)
}

/// Whether a line at the edge is parted from the text: by room, or by being set smaller.
fn stands_apart(page: &[Line], at: usize, pitch: f32, body: f32) -> bool {
    let Some(line) = page.get(at) else { return false };
    let inner = if at < page.len() / 2 { page.get(at + 1) } else { at.checked_sub(1).and_then(|at| page.get(at)) };
    inner.is_none_or(|inner| (inner.y - line.y).abs() > pitch * APART) || line.size < body * SMALLER
}

/// What is compared between pages: the text with its figures blanked, and the height in steps of four points.
fn place(line: &Line) -> (String, i32) {
    let mut text = String::new();
    for c in line.text.chars().filter(|c| !c.is_whitespace()) {
        match c {
            '0'..='9' if text.ends_with('#') => {}
            '0'..='9' => text.push('#'),
            c => text.push(c),
        }
    }
    (text, (line.y / 4.0).round() as i32)
}

/// `12`, `- 12 -`, `第12页`, `第十二页`, `页码：12/30`, `第 12 页 共 30 页`, `Page 12 of 30`, `iv`.
fn is_page_number(text: &str) -> bool {
    let dashed = text.starts_with(['-', '—', '–', '－']) && text.ends_with(['-', '—', '–', '－']);
    let rest: String = text
        .chars()
        .filter(|c| {
            !c.is_whitespace() && !matches!(c, '-' | '—' | '–' | '·' | '/' | '\u{FF0F}' | '~' | '：' | ':' | '|' | '.')
        })
        .collect();
    let named = dashed || rest.contains('页') || rest.contains("page") || rest.contains("Page");
    let words = rest
        .replace(['第', '页', '共', '码', '次', '\u{FF0C}', ','], "")
        .to_lowercase()
        .replace("page", "")
        .replace("of", "");
    let chinese = |c: char| "一二三四五六七八九十百零〇".contains(c);
    let roman = |text: &str| text.chars().count() <= 6 && text.chars().all(|c| "ivxlⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹ".contains(c));
    let digits = |c: char| c.is_ascii_digit() || ('\u{FF10}'..='\u{FF19}').contains(&c);
    let count = words.chars().count();
    count > 0
        && (count <= 9 && words.chars().all(digits)
            || named && count <= 12 && words.chars().all(|c| digits(c) || chinese(c))
            || roman(&words))
}

#[cfg(test)]
mod tests {
    use super::is_page_number;

    #[test]
    fn page_numbers_of_every_kind() {
        for text in [
            "- 12 -",
            "Page 3 of 9",
            "第一页",
            "第 二 页 共 十 页",
            "- 一 -",
            "页码:1/3",
            "页码：2",
            "iv",
            "ii",
            "12",
            "·3·",
            "12 / 30",
        ] {
            assert!(is_page_number(text), "{text}");
        }
        for text in ["第三条", "2024年", "一", "三、收费", "附件1", "共同富裕", "第一页的内容", "6222021234567890"]
        {
            assert!(!is_page_number(text), "{text}");
        }
    }
}
