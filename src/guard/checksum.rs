//! The arithmetic of identity numbers: pure checks, no context.

use crate::types::Date;

/// Weights of GB 11643-1999 for the first 17 digits.
const ID_WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// Check characters of GB 11643-1999 by remainder mod 11.
const ID_CHECKS: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];
/// Alphabet of GB 32100-2015 (unified social credit code), in order of value.
const CREDIT_ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
/// First two digits of region codes (GB/T 2260): provinces, and the codes of Hong Kong, Macao and Taiwan residents.
const PROVINCES: [u32; 37] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63,
    64, 65, 66, 71, 81, 82, 83, 91,
];

fn number(digits: &[char]) -> Option<u32> {
    digits.iter().try_fold(0u32, |n, c| n.checked_mul(10)?.checked_add(c.to_digit(10)?))
}

/// Whether the digits begin with a region code; a permanent residence number of 2023 begins with 9 and the province.
fn has_region(digits: &[char]) -> bool {
    let province = |range: &[char]| number(range).is_some_and(|n| PROVINCES.contains(&n));
    digits.get(..2).is_some_and(province) || digits.first() == Some(&'9') && digits.get(1..3).is_some_and(province)
}

/// Whether eight digits are a date YYYYMMDD of the years 1900 to 2099.
pub(super) fn is_date(digits: &[char]) -> bool {
    let part = |range: std::ops::Range<usize>| digits.get(range).and_then(number);
    let (Some(y), Some(m), Some(d)) = (part(0..4), part(4..6), part(6..8)) else { return false };
    let (Ok(y), Ok(m), Ok(d)) = (i16::try_from(y), i8::try_from(m), i8::try_from(d)) else { return false };
    digits.len() == 8 && (1900..2100).contains(&y) && Date::new(y, m, d).is_ok()
}

/// Whether 18 characters are a resident identity number: region, real date of birth, check character.
pub(super) fn is_id18(digits: &[char]) -> bool {
    let (Some(body), Some(check)) = (digits.get(..17), digits.get(17)) else { return false };
    let sum = body.iter().zip(ID_WEIGHTS).try_fold(0u32, |sum, (c, weight)| Some(sum + c.to_digit(10)? * weight));
    let expected = sum.and_then(|sum| ID_CHECKS.get(sum as usize % 11));
    digits.len() == 18 && expected == Some(check) && has_region(digits) && digits.get(6..14).is_some_and(is_date)
}

/// Whether 15 digits are an identity number of the first generation: region and date of birth in the 1900s.
pub(super) fn is_id15(digits: &[char]) -> bool {
    let birth: Vec<char> =
        ['1', '9'].into_iter().chain(digits.get(6..12).unwrap_or_default().iter().copied()).collect();
    digits.len() == 15 && digits.first() != Some(&'9') && has_region(digits) && is_date(&birth)
}

/// Luhn's check (ISO/IEC 7812-1).
pub(super) fn luhn(digits: &[char]) -> bool {
    let sum = digits.iter().rev().enumerate().try_fold(0u32, |sum, (n, c)| {
        let d = c.to_digit(10)?;
        Some(sum + if n % 2 == 1 { d * 2 / 10 + d * 2 % 10 } else { d })
    });
    sum.is_some_and(|sum| sum % 10 == 0) && !digits.is_empty()
}

/// Whether 18 characters are a unified social credit code: registering body, region, check character.
pub(super) fn is_credit_code(chars: &[char]) -> bool {
    let value = |c: char| CREDIT_ALPHABET.chars().position(|a| a == c);
    let (Some(body), Some(&check)) = (chars.get(..17), chars.get(17)) else { return false };
    let sum =
        body.iter().try_fold((0usize, 1usize), |(sum, weight), &c| Some((sum + value(c)? * weight, weight * 3 % 31)));
    let Some((sum, _)) = sum else { return false };
    let body_kind = chars.first().is_some_and(|c| "123456789ANY".contains(*c));
    let region = chars.get(2..8).is_some_and(|r| {
        // 100000 is the central registry.
        r.iter().all(char::is_ascii_digit) && (has_region(r) || r.first() == Some(&'1'))
    });
    chars.len() == 18 && body_kind && region && value(check) == Some((31 - sum % 31) % 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn published_examples() {
        // Examples printed in GB 11643-1999, GB 32100-2015 and ISO/IEC 7812-1.
        assert!(is_id18(&chars("11010519491231002X")));
        assert!(is_credit_code(&chars("91350100M000100Y43")));
        assert!(luhn(&chars("79927398713")));
        assert!(!is_id18(&chars("110105194912310021")));
        assert!(!is_id18(&chars("11010519491331002X")));
        assert!(!is_credit_code(&chars("91350100M000100Y42")));
        assert!(!luhn(&chars("79927398710")));
        assert!(is_id15(&chars("110105491231002")));
        assert!(!is_id15(&chars("110105491331002")));
    }

    #[test]
    fn odd_input_is_no_number() {
        for text in ["", "1", "X", "张三", "１１０", "11010519491231002Ｘ"] {
            let text = chars(text);
            assert!(!is_id18(&text) && !is_id15(&text) && !is_credit_code(&text) && !is_date(&text));
        }
        assert!(!luhn(&[]) && !luhn(&chars("7992739871X")));
    }
}
