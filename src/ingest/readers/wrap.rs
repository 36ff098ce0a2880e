//! Lines that were broken at a fixed width become the paragraphs that they were.
//!
//! In plain text and Markdown a line is a paragraph: laws are written one 款 per line. Texts taken from a PDF or a mail have the line
//! breaks of a page instead, and each would count as a 款 of its own.

use super::inline;
use super::pdf::begins_clause;

/// Fewest characters of a line that was broken for its width.
const MIN_WIDTH: usize = 18;
/// Fewest lines of about one width that do not end a sentence: fewer prove no fixed width.
const MIN_BROKEN: usize = 2;
/// Line-breaking rules move up to this many characters to the next line.
const SLACK: usize = 3;
/// Broken lines of the widest kind per hundred lines without an end, below which the text is just written in phrases.
const MIN_SHARE: usize = 30;

/// The lines of a text, with those that belong together joined. Blank lines stay, and so does what `is_markup` says is none of running text.
pub(super) fn join(text: &str, is_markup: impl Fn(&str) -> bool) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let Some(width) = fixed_width(&lines, &is_markup) else { return text.to_owned() };
    let mut out = String::with_capacity(text.len());
    let mut last: Option<&str> = None;
    for line in lines {
        let goes_on =
            last.is_some_and(|last| !is_markup(last) && !is_markup(line) && breaks(last, width) && !begins(line));
        if goes_on {
            let latin = out.ends_with(|c: char| c.is_ascii_alphanumeric())
                && line.trim_start().starts_with(|c: char| c.is_ascii_alphabetic());
            if latin {
                out.push(' ');
            }
            out.push_str(line.trim());
        } else {
            if last.is_some() {
                out.push('\n');
            }
            out.push_str(line);
        }
        last = Some(line);
    }
    out
}

/// The width at which lines are broken: that of the longest lines without the end of a sentence, if several have it.
fn fixed_width(lines: &[&str], is_markup: &impl Fn(&str) -> bool) -> Option<usize> {
    let open = |line: &&str| !is_markup(line) && !ends(line);
    let followed = |at: usize| lines.get(at + 1).is_some_and(|next| !next.trim().is_empty() && !is_markup(next));
    let broken = lines.iter().enumerate().filter(|(at, line)| open(line) && followed(*at));
    let widths: Vec<usize> = broken.map(|(_, line)| width(line)).filter(|width| *width >= MIN_WIDTH).collect();
    // One line without a line break at all (a table in text) is no measure.
    let mut sorted = widths.clone();
    sorted.sort_unstable();
    let widest = *sorted.get((sorted.len() * 9 / 10).min(sorted.len().checked_sub(1)?))?;
    let near = widths.iter().filter(|width| width.abs_diff(widest) <= SLACK).count();
    let longest = lines.iter().filter(|line| !is_markup(line)).map(|line| width(line)).max()?;
    // Where lines run on far beyond, none was broken for its width.
    let fits = longest <= widest + widest / 4;
    (near >= MIN_BROKEN && near * 100 >= widths.len() * MIN_SHARE && fits).then_some(widest)
}

/// Whether a line was broken in the middle of a sentence.
fn breaks(line: &str, fixed: usize) -> bool {
    !line.trim().is_empty() && !ends(line) && width(line) + SLACK >= fixed
}

fn ends(line: &str) -> bool {
    line.trim_end().ends_with(['。', '；', '：', '！', '？', ';', ':', '!', '?', '…'])
}

/// Whether a line begins something of its own: a clause, an item, a heading.
fn begins(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || begins_clause(inline::strip(line).trim()) || line.starts_with('【')
}

/// The text without page numbers (`-12-`) that stand alone on a line or were left at the beginning of one.
pub(super) fn without_page_numbers(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').map(|line| after_page_number(line).unwrap_or(line)).collect();
    lines.join("\n")
}

fn after_page_number(line: &str) -> Option<&str> {
    const DASHES: [char; 4] = ['-', '—', '–', '－'];
    /// Most digits of a page number.
    const MAX_DIGITS: usize = 3;
    let rest = line.trim_start().strip_prefix(DASHES)?.trim_start_matches(' ');
    let digits = rest.chars().take_while(char::is_ascii_digit).count();
    let after = rest.get(digits..)?.trim_start_matches(' ').strip_prefix(DASHES)?;
    let page =
        (1..=MAX_DIGITS).contains(&digits) && !after.starts_with(|c: char| c.is_ascii_digit() || DASHES.contains(&c));
    page.then_some(after)
}

/// Characters, narrow ones counted half.
fn width(line: &str) -> usize {
    line.trim().chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>().div_ceil(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_page_become_paragraphs() {
        let text = "某某办法\n第一条 客户申请开立账户的，应当出示有效身份证件，填写申请书，\n并由柜员通过联网核查系统核对身份；核对不一致的，不得开立。客户为\n境外人员的，还应当提供入境记录。\n每人限开一户。\n第二条 柜员应当在受理当日将申请书、身份证件复印件和核查记录一并\n归档。";
        let joined = join(text, |_| false);
        let lines: Vec<&str> = joined.lines().collect();
        assert_eq!(lines.len(), 4, "{joined}");
        assert!(lines[1].ends_with("入境记录。") && lines[2] == "每人限开一户。" && lines[3].ends_with("一并归档。"));
    }

    #[test]
    fn page_numbers_in_the_text_go() {
        assert_eq!(without_page_numbers("-1-中国人民银行令\n- 2 -\n甲"), "中国人民银行令\n\n甲");
        for text in ["- 项", "-5-10%", "---", "2-3-4"] {
            assert_eq!(without_page_numbers(text), text);
        }
    }

    #[test]
    fn a_paragraph_per_line_stays() {
        for text in [
            "第一条 甲。\n乙。\n第二条 丙；\n（一）丁；",
            "收费标准\n挂失 10元\n补卡 5元",
            "第一条 为了规范银行业务，保护客户合法权益，根据有关法律，制定本办法\n本行各机构应当遵守本办法，并按照本办法的要求办理各项业务，不得以任何理由拒绝客户的合理要求，也不得\n短行",
        ] {
            assert_eq!(join(text, |_| false), text);
        }
    }
}
