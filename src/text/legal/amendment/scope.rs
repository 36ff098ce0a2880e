//! Where a change holds, when not everywhere: 在江东分行辖内执行, 在江东分行、南湖分行试点, 其他分行仍按原规定执行.

/// Ends of the names of parts of a bank, and of regions.
const UNITS: [&str; 9] = ["分行", "支行", "分公司", "营业部", "网点", "地区", "省", "市", "县"];
/// Words behind such a name that say where.
const WITHIN: [&str; 6] = ["辖内", "辖区内", "辖区", "范围内", "内", "率先"];
/// Words that something holds there.
const HOLDS: [&str; 8] = ["先行", "开展", "试点", "试行", "执行", "施行", "实施", "适用"];
/// Beginnings of names that mean every part.
const EVERY: [&str; 6] = ["各", "全", "所有", "本行", "辖内", "总行"];
/// Longest list of names, in characters.
const MAX_CHARS: usize = 40;

/// The part of the bank for which a statement holds; none where it holds everywhere or says nothing of it.
pub(super) fn of(masked: &str) -> Option<String> {
    let named = masked.match_indices('在').find_map(|(at, sign)| {
        let behind = masked.get(at + sign.len()..)?;
        let end = HOLDS.iter().filter_map(|word| behind.find(word)).min()?;
        place(behind.get(..end)?)
    });
    let limited = || {
        let behind =
            ["仅适用于", "只适用于", "仅限于", "仅限", "限于"].iter().find_map(|word| masked.split_once(word))?.1;
        place(behind.split(['，', ',', '。', '；']).next()?)
    };
    let others = ["其他", "其它", "其余"].iter().filter_map(|word| masked.split_once(word)).any(|(_, behind)| {
        let said = behind.split(['，', ',', '。', '；']).next().unwrap_or_default();
        ["仍按", "仍执行", "仍适用", "继续按", "继续执行"].iter().any(|word| said.contains(word))
            && UNITS.iter().chain(&["机构", "区域"]).any(|unit| said.contains(unit))
    });
    let trial = masked.contains("试点")
        && !["结束", "取消", "终止", "推广", "基础上", "经验"].iter().any(|word| masked.contains(word));
    named.or_else(limited).or_else(|| match (others, trial) {
        (true, _) => Some("部分机构".to_owned()),
        (false, true) => Some("试点范围内".to_owned()),
        (false, false) => None,
    })
}

fn place(named: &str) -> Option<String> {
    let named = named.trim();
    let bare = WITHIN.iter().find_map(|word| named.strip_suffix(word)).unwrap_or(named);
    let whole = named.chars().count() <= MAX_CHARS
        && !named.contains(['，', ',', '。', '；', '：', '\n'])
        && !EVERY.iter().any(|word| named.starts_with(word))
        && UNITS.iter().any(|unit| bare.ends_with(unit));
    whole.then(|| named.trim_end_matches("率先").to_owned())
}
