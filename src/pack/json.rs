//! JSON from a stick, read strictly: what two readers could understand differently is refused.
//!
//! A first walk looks at every value, also at those that nobody asks for, and stops at the first that breaks a rule: so a deep
//! or endless text costs no more than its own length. Only then is the text read into its type.

use crate::error::{Code, Error, Result};
use crate::pack::manifest::MAX_MANIFEST_BYTES;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

/// Objects and lists stand in each other at most so deep; a manifest needs 7.
pub const MAX_DEPTH: usize = 32;
/// Most values in one file, objects and lists counted; a manifest of the largest size that the limits allow needs fewer.
pub const MAX_VALUES: usize = 200_000;

/// Reads a JSON object. `what` names the file for people: `清单`. Fields that `T` does not know are passed over.
///
/// # Errors
/// `PACK_LIMIT` for more than [`MAX_MANIFEST_BYTES`]. `PACK_PARSE` when it is not UTF-8, not JSON, no object, deeper than
/// [`MAX_DEPTH`], holds more than [`MAX_VALUES`] values, a key twice (also when only upper and lower case differ) or not what `T` needs.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T> {
    if bytes.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(too_long(what, MAX_MANIFEST_BYTES));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(refused(&format!("{what}不是 UTF-8 文本")));
    };
    if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
        return Err(refused(&format!("{what}不是 JSON 对象")));
    }
    walk(text, what)?;
    serde_json::from_str(text).map_err(|e| unreadable(what, e))
}

/// The error for a file that is longer than `limit` bytes.
pub fn too_long(what: &str, limit: u64) -> Error {
    let message = format!("{what}超过 {} KiB 的上限", limit >> 10);
    Error::new(Code::PackLimit, message, "不要使用这个 U 盘,上报总行")
}

/// The error for a file that is not what it should be.
pub fn refused(why: &str) -> Error {
    Error::new(Code::PackParse, why, "重新拷贝 kbpack 目录后再试;仍出现则上报总行")
}

fn unreadable(what: &str, e: serde_json::Error) -> Error {
    refused(&format!("{what}的格式不对(第 {} 行第 {} 列)", e.line(), e.column())).because(e)
}

/// What a walk can meet.
#[derive(Clone, Copy)]
enum Fault {
    Deep,
    Many,
    Twice,
}

fn walk(text: &str, what: &str) -> Result<()> {
    let (left, fault) = (Cell::new(MAX_VALUES), Cell::new(None));
    let mut json = serde_json::Deserializer::from_str(text);
    let walked = Walk { left: &left, fault: &fault, depth: 0 }.deserialize(&mut json).and_then(|()| json.end());
    walked.map_err(|e| match fault.get() {
        Some(Fault::Deep) => refused(&format!("{what}的嵌套超过 {MAX_DEPTH} 层")),
        Some(Fault::Many) => refused(&format!("{what}里的数据超过 {MAX_VALUES} 项")),
        Some(Fault::Twice) => {
            refused(&format!("{what}里同一个字段出现两次,或只有大小写不同(第 {} 行)", e.line())).because(e)
        }
        None => unreadable(what, e),
    })
}

/// Looks at one value and those inside it.
#[derive(Clone, Copy)]
struct Walk<'a> {
    left: &'a Cell<usize>,
    fault: &'a Cell<Option<Fault>>,
    /// Objects and lists around the value.
    depth: usize,
}

impl Walk<'_> {
    fn stop<E: serde::de::Error>(self, fault: Fault) -> E {
        self.fault.set(Some(fault));
        E::custom("refused")
    }

    fn inside<E: serde::de::Error>(self) -> std::result::Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.stop(Fault::Deep));
        }
        Ok(Walk { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> std::result::Result<(), D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(self.stop(Fault::Many));
        };
        self.left.set(left);
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<(), A::Error> {
        let inside = self.inside()?;
        while list.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> std::result::Result<(), A::Error> {
        let inside = self.inside()?;
        let mut seen = HashSet::new();
        while let Some(key) = object.next_key::<String>()? {
            if !seen.insert(key.to_lowercase()) {
                return Err(self.stop(Fault::Twice));
            }
            object.next_value_seed(inside)?;
        }
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> std::result::Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Small {
        seq: u64,
    }

    fn refusal(text: &[u8]) -> (Code, String) {
        let error = parse::<Small>(text, "清单").unwrap_err();
        (error.code(), error.message().to_owned())
    }

    #[test]
    fn fields_that_nobody_asks_for_are_passed_over() {
        let text = r#" {"x": [1, -2, 3.5e10, true, null, "", {"y": {}}], "seq": 18446744073709551615} "#;
        assert_eq!(parse::<Small>(text.as_bytes(), "清单").unwrap().seq, u64::MAX);
    }

    #[test]
    fn what_is_no_plain_object_is_refused() {
        let texts: [&[u8]; 18] = [
            b"",
            b" ",
            b"null",
            b"[7]",
            b"7",
            b"{",
            b"{}",
            b"{\"seq\":7",
            b"{\"seq\":7}}",
            b"{\"seq\":7} {}",
            b"{\"seq\":7,}",
            b"{'seq':7}",
            b"{\"seq\":7}\0",
            b"\xef\xbb\xbf{\"seq\":7}",
            b"{\"seq\":7,\"\xff\":1}",
            b"{\"seq\":7,\"x\":\"\\ud800\"}",
            b"{\"seq\":7/*comment*/}",
            b"\x0b{\"seq\":7}",
        ];
        for text in texts {
            assert_eq!(refusal(text).0, Code::PackParse, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn numbers_are_whole_and_fit() {
        for number in
            ["18446744073709551616", "1e3", "7.0", "-1", "-0", "07", "+7", "NaN", "Infinity", "1e999", "\"7\""]
        {
            assert_eq!(refusal(format!("{{\"seq\":{number}}}").as_bytes()).0, Code::PackParse, "{number}");
        }
        // Also where nobody asks for it.
        for number in ["NaN", "-Infinity", "1e999", "nan"] {
            assert_eq!(refusal(format!("{{\"seq\":7,\"x\":{number}}}").as_bytes()).0, Code::PackParse, "{number}");
        }
    }

    #[test]
    fn a_key_stands_once_in_whatever_case() {
        for text in [
            r#"{"seq":7,"seq":7}"#,
            r#"{"seq":7,"Seq":8}"#,
            r#"{"seq":7,"s\u0065q":8}"#,
            r#"{"seq":7,"x":[{"a":1,"b":2,"A":3}]}"#,
            r#"{"seq":7,"Ä":1,"ä":2}"#,
        ] {
            let (code, message) = refusal(text.as_bytes());
            assert_eq!(code, Code::PackParse, "{text}");
            assert!(message.contains("出现两次"), "{text}: {message}");
        }
        let apart = r#"{"seq":7,"x":{"seq":1},"y":[{"a":1},{"a":2}]}"#;
        assert!(parse::<Small>(apart.as_bytes(), "清单").is_ok());
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth: usize| format!("{{\"seq\":7,\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse::<Small>(nested(MAX_DEPTH - 1).as_bytes(), "清单").is_ok());
        let (code, message) = refusal(nested(MAX_DEPTH).as_bytes());
        assert_eq!((code, message.contains("嵌套")), (Code::PackParse, true), "{message}");
    }

    #[test]
    fn four_mebibytes_of_brackets_cost_nothing() {
        let most = MAX_MANIFEST_BYTES as usize;
        let start = b"{\"seq\":7,\"x\":";
        for filling in [&b"["[..], b"{\"a\":", b"[{\"a\":"] {
            let mut text = start.to_vec();
            text.extend(filling.iter().cycle().take(most - start.len()));
            let (code, message) = refusal(&text);
            assert_eq!((code, message.contains("嵌套")), (Code::PackParse, true), "{message}");
        }
        assert_eq!(refusal(&b"[".repeat(most)).0, Code::PackParse);
    }

    #[test]
    fn values_are_counted() {
        // One for the object and one each for the number and the list.
        let list = |length: usize| format!("{{\"seq\":7,\"x\":[{}]}}", vec!["0"; length].join(","));
        assert!(parse::<Small>(list(MAX_VALUES - 3).as_bytes(), "清单").is_ok());
        let (code, message) = refusal(list(MAX_VALUES - 2).as_bytes());
        assert_eq!((code, message.contains("200000")), (Code::PackParse, true), "{message}");
        let keys: Vec<String> = (0..MAX_VALUES).map(|n| format!("\"{n}\":0")).collect();
        assert_eq!(refusal(format!("{{\"seq\":7,{}}}", keys.join(",")).as_bytes()).0, Code::PackParse);
    }

    #[test]
    fn a_longer_text_is_not_looked_at() {
        let mut text = b"{\"seq\":7}".to_vec();
        text.resize(MAX_MANIFEST_BYTES as usize, b' ');
        assert!(parse::<Small>(&text, "清单").is_ok());
        text.push(b' ');
        assert_eq!(refusal(&text).0, Code::PackLimit);
    }
}
