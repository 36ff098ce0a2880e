//! One spelling for text that is compared: index text, queries and titles.

use super::quantity::one_spelling;
use unicode_normalization::UnicodeNormalization;

/// Whether `c` is a Han character (〇 included).
pub fn is_han(c: char) -> bool {
    matches!(c,
        '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{3005}' | '\u{3007}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{323AF}')
}

/// Han, or the punctuation and full-width forms that go with it: a space beside these carries no meaning.
fn is_cjk(c: char) -> bool {
    let mark = matches!(c, '\u{3000}'..='\u{303F}' | '\u{FF00}'..='\u{FFEF}' | '“' | '”' | '‘' | '’' | '…' | '—');
    is_han(c) || mark && !c.is_alphanumeric()
}

/// Characters that are seen by nobody: zero-width, directional marks, byte-order mark, soft hyphen, variation selectors.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// The form that is indexed and queried: NFKC (full width becomes half width), lower-case ASCII, no invisible or control
/// characters, runs of white space as one space, and none between Han characters. 〇 and 零 stay as written.
pub fn normalize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut previous: Option<char> = None;
    let mut space = false;
    // Han punctuation is judged before NFKC turns it into ASCII, so that `款 （一）` and `款（一）` agree.
    for c in text.chars() {
        if c.is_whitespace() {
            space = true;
            continue;
        }
        if is_invisible(c) || c.is_control() {
            continue;
        }
        if space && previous.is_some_and(|p| !(is_cjk(p) && is_cjk(c))) {
            out.push(' ');
        }
        space = false;
        // A raised figure is a note or an exponent: 500¹ is not 5001, 10⁶ not 106.
        if is_raised(c) {
            if !out.ends_with('^') {
                out.push('^');
            }
            previous = Some(c);
            continue;
        }
        // 5½ is not 51/2.
        if is_vulgar_fraction(c) && previous.is_some_and(|p| p.is_ascii_digit()) {
            out.push(' ');
        }
        previous = Some(c);
        for folded in std::iter::once(c).nfkc() {
            out.push(folded.to_ascii_lowercase());
        }
    }
    // Composition across characters (a letter and its combining mark) needs the whole string.
    if out.is_ascii() || unicode_normalization::is_nfkc(&out) { out } else { out.nfkc().collect() }
}

/// Raised and lowered figures.
fn is_raised(c: char) -> bool {
    matches!(c, '\u{B2}' | '\u{B3}' | '\u{B9}' | '\u{2070}'..='\u{209C}')
}

fn is_vulgar_fraction(c: char) -> bool {
    matches!(c, '\u{BC}'..='\u{BE}' | '\u{2150}'..='\u{215E}')
}

/// Words in which 著 keeps its form in simplified writing; elsewhere it is the particle 着.
const KEEPS_ZHU: [&str; 14] =
    ["著作", "著名", "显著", "土著", "编著", "论著", "原著", "专著", "名著", "著者", "著称", "著录", "著述", "卓著"];

/// Simplified characters for traditional ones (繁→简), for queries.
///
/// The character table is `fast2s`; on top stand the choices that mainland bank texts make and a character table cannot:
/// 帳戶 is 账户 (the table says 帐户), 著 is the particle 着 except in words such as 著作, and a few variant forms.
pub fn simplify(text: &str) -> String {
    let converted = fast2s::convert(text);
    let mut out = String::with_capacity(converted.len());
    let mut previous = None;
    let mut rest = converted.as_str();
    while let Some(c) = rest.chars().next() {
        let next = rest.get(c.len_utf8()..).unwrap_or_default();
        out.push(match c {
            '帐' if next.starts_with(['篷', '幕']) || previous == Some('蚊') => '帐',
            '帐' => '账',
            '著' => {
                let kept = KEEPS_ZHU
                    .iter()
                    .any(|word| rest.starts_with(word) || word.ends_with('著') && word.chars().next() == previous);
                if kept { '著' } else { '着' }
            }
            '覆' if next.starts_with(['核', '查', '审', '议']) || matches!(previous, Some('答' | '批' | '回')) => {
                '复'
            }
            '妳' => '你',
            '祇' => '只',
            '祂' | '牠' => '它',
            '喫' => '吃',
            '昇' if next.starts_with(['级', '值', '降']) => '升',
            c => c,
        });
        previous = Some(c);
        rest = next;
    }
    out
}

/// The key under which the versions of one title meet and titles are matched: without 中华人民共和国, brackets, quotes,
/// other punctuation and spaces; a version suffix in brackets (`(2024-11-08)`, `（2018年修正）`) is dropped, other bracket
/// content (`（试行）`, `（二）`) stays, and so does the year of an amendment (`宪法修正案（2004年）` is a text of its own, not
/// a version). Never empty for a title with a letter in it.
pub fn title_key(title: &str) -> String {
    let folded = normalize(title);
    let mut out = String::with_capacity(folded.len());
    let mut rest = folded.as_str();
    while let Some(c) = rest.chars().next() {
        if matches!(c, '(' | '[' | '【' | '〔')
            && let Some(end) = rest.find([')', ']', '】', '〕'])
            && rest.get(c.len_utf8()..end).is_some_and(is_version_note)
            && !out.ends_with("修正案")
        {
            rest = rest.get(end..).unwrap_or_default();
        } else if c.is_alphanumeric() {
            out.push(c);
        }
        let width = rest.chars().next().map_or(0, char::len_utf8);
        rest = rest.get(width..).unwrap_or_default();
    }
    let short = out.replace("中华人民共和国", "");
    if short.is_empty() { out } else { short }
}

/// Whether bracket content only tells which version of a title this is: a year with nothing but date and revision words.
fn is_version_note(content: &str) -> bool {
    let mut digits = 0usize;
    let known = content.chars().all(|c| {
        digits += usize::from(c.is_ascii_digit());
        c.is_ascii_digit() || "年月日-./ 第次修订正改版本公布发施行".contains(c)
    });
    known && digits >= 4
}

/// The one spelling in which words are compared: normalised and simplified.
pub fn fold(text: &str) -> String {
    simplify(&normalize(text))
}

/// The form in which a curated question and a teller's are compared: [`fold`]ed, its quantities in [`one_spelling`], letters and digits only, and
/// the point of a number.
pub fn fold_question(question: &str) -> String {
    let spelled = one_spelling(&fold(question));
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let mut before = None;
    let mut chars = spelled.chars().peekable();
    let mut out = String::with_capacity(spelled.len());
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || c == '.' && digit(before) && digit(chars.peek().copied()) {
            out.push(c);
        }
        before = Some(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_width_case_and_space() {
        assert_eq!(normalize("　ＡＴＭ　取款２０００元\u{200B}，\n怎么 办？ "), "atm 取款2000元,怎么办?");
        assert_eq!(normalize("Ⅱ类户 限额"), "ii类户限额");
        assert_eq!(normalize("二〇二四年 第 29 条"), "二〇二四年第 29 条");
        assert_eq!(normalize("a\u{0}b\u{7}c\t d"), "abc d");
        assert_eq!(normalize(" \u{FEFF} "), "");
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for text in ["（一）　存款 人；", "e\u{301}tude ﬁ", "㈠①Ⅳ 〇零", "A  B　C"] {
            let once = normalize(text);
            assert_eq!(normalize(&once), once, "{text}");
        }
    }

    #[test]
    fn simplifies_bank_words() {
        for (traditional, simple) in [
            ("帳戶餘額不足", "账户余额不足"),
            ("賬戶凍結", "账户冻结"),
            ("銀行卡掛失補領", "银行卡挂失补领"),
            ("證件過期了還能取錢嗎", "证件过期了还能取钱吗"),
            ("錢在卡裡", "钱在卡里"),
            ("裏面", "里面"),
            ("拿著身份證", "拿着身份证"),
            ("著作權顯著", "著作权显著"),
            ("乾淨", "干净"),
            ("代發工資匯款", "代发工资汇款"),
            ("徵信查詢", "征信查询"),
            ("複核", "复核"),
            ("覆核", "复核"),
            ("註銷", "注销"),
            ("瞭解", "了解"),
            ("製作", "制作"),
            ("臺灣居民來往大陸通行證", "台湾居民来往大陆通行证"),
            ("內部週轉佔用託管採集", "内部周转占用托管采集"),
            ("繼承遺產公證", "继承遗产公证"),
            ("臨時戶開戶許可證", "临时户开户许可证"),
            ("支票背書轉讓", "支票背书转让"),
            ("客戶說幫朋友", "客户说帮朋友"),
            ("假幣收繳鑑定", "假币收缴鉴定"),
            ("什麼時候發", "什么时候发"),
            ("姓名裡有個祇字", "姓名里有个只字"),
        ] {
            assert_eq!(simplify(traditional), simple);
        }
    }

    #[test]
    fn leaves_simplified_text_alone() {
        let text = "存款人死亡后，账户里的钱怎么取；乾隆通宝，著作权，了望，干部";
        assert_eq!(simplify(text), text);
    }

    #[test]
    fn titles_meet_under_one_key() {
        for (title, key) in [
            ("中华人民共和国商业银行法", "商业银行法"),
            ("《商业银行法》", "商业银行法"),
            ("反洗钱法(2024-11-08)", "反洗钱法"),
            ("个人存款账户实名制规定（2024年修订）", "个人存款账户实名制规定"),
            ("某某办法(2018修正)", "某某办法"),
            ("人民检察院刑事诉讼规则（试行）(2012-11-22)", "人民检察院刑事诉讼规则试行"),
            (
                "最高人民法院关于适用<中华人民共和国公司法>若干问题的规定（二）",
                "最高人民法院关于适用公司法若干问题的规定二",
            ),
            (
                "最高人民法院关于适用〈中华人民共和国公司法〉若干问题的规定(二)",
                "最高人民法院关于适用公司法若干问题的规定二",
            ),
            ("最高人民法院  最高人民检察院关于办理", "最高人民法院最高人民检察院关于办理"),
            ("刑法修正案（十二）(2023-12-29)", "刑法修正案十二"),
            ("中华人民共和国宪法修正案（2004年）", "宪法修正案2004年"),
            ("中华人民共和国", "中华人民共和国"),
        ] {
            assert_eq!(title_key(title), key, "{title}");
        }
    }
}
