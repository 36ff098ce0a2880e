//! Parameters: percent-decoding and typed reading of queries and form bodies.

use crate::error::{Code, Error, Result};
use crate::types::{Date, Level};
use std::str::FromStr;

/// Decoded `name=value` pairs in order. Every reader takes its parameters out; [`Params::finish`] refuses the rest.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `application/x-www-form-urlencoded` text, as in queries and form bodies.
    ///
    /// # Errors
    /// `BAD_PARAMETER` for broken escapes, `NOT_UTF8` for other encodings.
    pub(super) fn parse(text: &str) -> Result<Params> {
        let pairs = text.split('&').filter(|p| !p.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        pairs.collect::<Result<Vec<_>>>().map(Params)
    }

    /// The text of a parameter, if given once.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>> {
        let mut all = self.all(name);
        match all.len() {
            0 | 1 => Ok(all.pop()),
            _ => Err(wrong(name, "只能给出一次")),
        }
    }

    /// Every value of a parameter.
    pub(super) fn all(&mut self, name: &str) -> Vec<String> {
        let (found, rest) = std::mem::take(&mut self.0).into_iter().partition(|(n, _)| n == name);
        self.0 = rest;
        let found: Vec<(String, String)> = found;
        found.into_iter().map(|(_, value)| value).collect()
    }

    /// A parameter in another type; absent and empty are the same. `form` says what is expected.
    pub(super) fn parsed<T: FromStr>(&mut self, name: &str, form: &str) -> Result<Option<T>> {
        match self.text(name)?.filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| wrong(name, form)),
        }
    }

    /// A day, `YYYY-MM-DD`.
    pub(super) fn date(&mut self, name: &str) -> Result<Option<Date>> {
        self.parsed(name, "应为 YYYY-MM-DD 格式的日期,例如 2026-01-01")
    }

    /// A whole number within bounds.
    pub(super) fn number(&mut self, name: &str, least: usize, most: usize) -> Result<Option<usize>> {
        let form = format!("应为 {least} 到 {most} 之间的整数");
        match self.parsed(name, &form)? {
            Some(n) if !(least..=most).contains(&n) => Err(wrong(name, &form)),
            other => Ok(other),
        }
    }

    /// `true`/`1` or `false`/`0`; false when absent.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool> {
        match self.text(name)?.as_deref() {
            None | Some("" | "0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(_) => Err(wrong(name, "应为 true 或 false")),
        }
    }

    /// Levels, repeated or separated by commas.
    pub(super) fn levels(&mut self, name: &str) -> Result<Vec<Level>> {
        let all = self.all(name);
        let labels = all.iter().flat_map(|v| v.split(',')).filter(|v| !v.trim().is_empty());
        let read = |label| {
            Level::from_label(label).ok_or_else(|| {
                let known: Vec<&str> = Level::ALL.iter().map(|l| l.label()).collect();
                wrong(name, &format!("应为以下之一:{}", known.join("、")))
            })
        };
        labels.map(read).collect()
    }

    /// Refuses what nobody took: a mistyped name must not change an answer silently.
    pub(super) fn finish(self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = name.chars().take(40).collect();
                Err(Error::new(Code::BadParameter, format!("未知参数 {name}"), "请对照接口说明检查参数名"))
            }
        }
    }
}

fn wrong(name: &str, form: &str) -> Error {
    Error::new(Code::BadParameter, format!("参数 {name} 有误:{form}"), "请改正参数后重试")
}

/// Decodes `%XX` and `+`.
pub(super) fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
                match (digit(rest.next()), digit(rest.next())) {
                    // Two hexadecimal digits are at most 255.
                    (Some(high), Some(low)) => (high * 16 + low) as u8,
                    _ => {
                        let message = "参数中的 % 后面应有两位十六进制数";
                        return Err(Error::new(Code::BadParameter, message, "请按 URL 编码规则转义参数"));
                    }
                }
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        Error::new(Code::NotUtf8, format!("参数不是 UTF-8 文字(第 {} 字节起)", at + 1), "请使用 UTF-8 编码")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_typed() {
        let mut p = Params::parse("q=%E5%AD%98%E5%8D%95+a%2Bb&limit=20&as_of=2026-01-01&level=法律,FAQ&all=1").unwrap();
        assert_eq!(p.text("q").unwrap().as_deref(), Some("存单 a+b"));
        assert_eq!(p.number("limit", 1, 100).unwrap(), Some(20));
        assert_eq!(p.date("as_of").unwrap().map(|d| d.year()), Some(2026));
        assert_eq!(p.levels("level").unwrap(), [Level::Law, Level::Faq]);
        assert!(p.flag("all").unwrap());
        p.finish().unwrap();
    }

    #[test]
    fn wrong_parameters_are_named() {
        let code = |r: Result<Option<usize>>| r.map_err(|e| e.code());
        assert_eq!(code(Params::parse("n=0").unwrap().number("n", 1, 9)), Err(Code::BadParameter));
        assert_eq!(code(Params::parse("n=x").unwrap().number("n", 1, 9)), Err(Code::BadParameter));
        assert!(Params::parse("a=1&a=2").unwrap().text("a").is_err());
        assert!(Params::parse("d=2026-13-01").unwrap().date("d").is_err());
        assert!(Params::parse("level=宪法").unwrap().levels("level").is_err());
        assert!(Params::parse("asof=1").unwrap().finish().unwrap_err().message().contains("asof"));
        assert_eq!(Params::parse("q=%C4%E3").err().map(|e| e.code()), Some(Code::NotUtf8));
        for broken in ["q=%", "q=%4", "q=%zz"] {
            assert_eq!(Params::parse(broken).err().map(|e| e.code()), Some(Code::BadParameter), "{broken}");
        }
    }
}
