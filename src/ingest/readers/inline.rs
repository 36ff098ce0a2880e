//! Markdown markup within a line, taken off so that the text alone is left.
//!
//! Rules hold characters that look like markup: blanks to fill in (`____`), footnote stars, products (`8*4=32`), titles
//! in angle brackets (`<建筑法>`). So only marks that come in pairs and hug their text are markup; all else is text.

use super::characters;

/// The text of a line without `**bold**`, `*emphasis*`, `` `code` ``, `[links](…)`, images, tags, entities and escapes, and without
/// what is struck through.
pub(super) fn strip(line: &str) -> String {
    read(line, &mut 0)
}

/// As [`strip`]; adds the stretches that are struck through to `struck`.
pub(super) fn read(line: &str, struck: &mut usize) -> String {
    if !line.contains(['*', '_', '`', '[', '\\', '<', '~', '&', '$']) {
        return line.to_string();
    }
    let chars: Vec<char> = line.chars().collect();
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let rest = chars.get(at..).unwrap_or_default();
        let taken = match c {
            '\\' => rest.get(1).filter(|next| next.is_ascii_punctuation()).map(|&next| {
                out.push(next);
                2
            }),
            '`' => code(rest, &mut out),
            // A mark that continues a run of the same character opens nothing.
            '*' | '_' | '~' if out.ends_with(c) => None,
            '*' => ["***", "**", "*"].iter().find_map(|mark| paired(rest, mark, &mut out, struck)),
            '_' if out.ends_with(char::is_alphanumeric) => None,
            '_' => paired(rest, "__", &mut out, struck),
            '~' => withdrawn(rest, struck),
            '!' | '[' => link(rest, &mut out, struck),
            '<' => element(rest, &mut out, struck).or_else(|| tag(rest, &mut out)),
            '&' => super::entities::leading(rest).map(|(c, taken)| {
                out.push(c);
                taken
            }),
            '$' => super::formula::leading(rest).map(|(text, taken)| {
                out.push_str(&text);
                taken
            }),
            _ => None,
        };
        match taken {
            Some(count) => at += count,
            None => {
                out.push(c);
                at += 1;
            }
        }
    }
    out
}

fn starts(chars: &[char], mark: &str) -> bool {
    let mut given = chars.iter();
    mark.chars().all(|m| given.next() == Some(&m))
}

/// `mark text mark` where the text touches both marks; returns how many characters were taken.
fn paired(chars: &[char], mark: &str, out: &mut String, struck: &mut usize) -> Option<usize> {
    if !starts(chars, mark) {
        return None;
    }
    let length = mark.len();
    let mark_char = mark.chars().next()?;
    let body = chars.get(length..)?;
    if body.first().is_none_or(|c| c.is_whitespace() || *c == mark_char) {
        return None;
    }
    let end = (1..body.len()).find(|&i| {
        body.get(i..).is_some_and(|tail| starts(tail, mark))
            && body.get(i - 1).is_some_and(|c| !c.is_whitespace() && *c != mark_char)
            && body.get(i + length).is_none_or(|c| *c != mark_char && (mark != "__" || !c.is_alphanumeric()))
    })?;
    let inner: String = body.get(..end)?.iter().collect();
    // A single star between digits multiplies.
    if mark == "*" && inner.chars().next().is_some_and(|c| c.is_ascii_digit()) {
        return None;
    }
    out.push_str(&read(&inner, struck));
    Some(end + 2 * length)
}

/// `~~text~~` is struck through: nobody is to read it.
fn withdrawn(chars: &[char], struck: &mut usize) -> Option<usize> {
    let taken = paired(chars, "~~", &mut String::new(), &mut 0);
    *struck += usize::from(taken.is_some());
    taken
}

/// An element whose content is left out, or raised or lowered: `<del>…</del>`, `<sup>…</sup>`.
fn element(chars: &[char], out: &mut String, struck: &mut usize) -> Option<usize> {
    /// Longest tag and longest element, in characters.
    const MAX_TAG: usize = 200;
    const MAX_ELEMENT: usize = 2_000;
    let opened = chars.iter().take(MAX_TAG).position(|c| *c == '>')?;
    let inside: String = chars.get(1..opened)?.iter().collect();
    let name = inside.split_whitespace().next()?.to_lowercase();
    let style: String = inside.to_lowercase().split_whitespace().collect();
    let through = matches!(name.as_str(), "del" | "s" | "strike") || style.contains("line-through");
    let dropped = through || style.contains("display:none");
    if !(dropped || matches!(name.as_str(), "sup" | "sub")) {
        return None;
    }
    let rest: String = chars.iter().skip(opened + 1).take(MAX_ELEMENT).collect();
    let close = format!("</{name}>");
    let end = rest.to_ascii_lowercase().find(&close)?;
    let inner = rest.get(..end)?;
    *struck += usize::from(through);
    if !dropped {
        let inner = read(inner, struck);
        let shaped = if name == "sup" { characters::raised(&inner) } else { characters::lowered(&inner) };
        out.push_str(&shaped);
    }
    Some(opened + 1 + inner.chars().count() + close.len())
}

fn code(chars: &[char], out: &mut String) -> Option<usize> {
    let ticks = chars.iter().take_while(|c| **c == '`').count();
    let body = chars.get(ticks..)?;
    let mut at = 0;
    while at < body.len() {
        let run = body.get(at..)?.iter().take_while(|c| **c == '`').count();
        if run == ticks {
            let inner: String = body.get(..at)?.iter().collect();
            out.push_str(inner.trim());
            return Some(at + 2 * ticks);
        }
        at += run.max(1);
    }
    None
}

/// `[text](address)` gives the text, `![text](address)` its description.
fn link(chars: &[char], out: &mut String, struck: &mut usize) -> Option<usize> {
    let image = usize::from(chars.first() == Some(&'!'));
    let body = chars.get(image..)?;
    if body.first() != Some(&'[') {
        return None;
    }
    let close = body.iter().position(|c| *c == ']')?;
    if body.get(close + 1) != Some(&'(') {
        return None;
    }
    let end = close + body.get(close..)?.iter().position(|c| *c == ')')?;
    let text: String = body.get(1..close)?.iter().collect();
    out.push_str(&read(&text, struck));
    Some(image + end + 1)
}

/// HTML tags are dropped and `<br>` becomes a space; what merely stands in angle brackets stays.
fn tag(chars: &[char], out: &mut String) -> Option<usize> {
    const KNOWN: &[&str] = &[
        "a", "b", "br", "center", "code", "div", "em", "font", "i", "img", "mark", "p", "s", "small", "span", "strong",
        "sub", "sup", "u",
    ];
    let end = chars.iter().position(|c| *c == '>')?;
    let inner: String = chars.get(1..end)?.iter().collect();
    let name: String = inner
        .trim_start_matches('/')
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase();
    if !KNOWN.contains(&name.as_str()) {
        return None;
    }
    if name == "br" {
        out.push(' ');
    }
    Some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::strip;

    #[test]
    fn markup_goes() {
        for (given, text) in [
            ("**结论**:可以办理", "结论:可以办理"),
            ("见*重点*、***双重***、~~旧文~~新文", "见重点、双重、新文"),
            ("限额~~5万元~~2万元<del>每季</del>每月<s class=\"x\">甲</s>", "限额2万元每月"),
            ("<span style='text-decoration: line-through'>旧</span>新", "新"),
            ("500<sup>1</sup>克、10<sup>6</sup>元、H<sub>2</sub>O", "500¹克、10⁶元、H₂O"),
            ("&ldquo;零钞&rdquo;&le;20、&#8805;0.5%、&#x2264;3", "“零钞”≤20、≥0.5%、≤3"),
            ("不低于 $9 5 \\%$ ,限 $\\leq 20$ 张", "不低于 95% ,限 ≤20 张"),
            ("交易码 `0231`、``a`b``", "交易码 0231、a`b"),
            ("见[办法](./a.md)和![印章](b.png)", "见办法和印章"),
            ("**见[办法](a.md)**", "见办法"),
            ("上<br>下 <span style=\"x\">红</span>", "上 下 红"),
            (r"\*号 A&amp;B", "*号 A&B"),
            ("__粗__ 体", "粗 体"),
        ] {
            assert_eq!(strip(given), text);
        }
    }

    #[test]
    fn text_that_looks_like_markup_stays() {
        for text in [
            "签字:________ 日期:____年__月",
            "5*8*4=160h",
            "<中华人民共和国建筑法>",
            "带*标记的品种为第一类",
            "form_no_1",
            "利率 < 3% 且 > 1%",
            "[2024]18号",
            "〔2024〕[1]",
            "` 单个",
            "*",
            "**",
        ] {
            assert_eq!(strip(text), text);
        }
    }
}
