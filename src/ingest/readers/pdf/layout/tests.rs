use super::super::path::Rule;
use super::*;

fn run(x: f32, y: f32, size: f32, text: &str) -> Run {
    let ends: Vec<f32> = (1..=text.chars().count()).map(|n| x + size * n as f32).collect();
    Run { x, y, end: ends.last().copied().unwrap_or(x), size, text: text.into(), ends }
}

fn rule(x0: f32, y0: f32, x1: f32, y1: f32) -> Rule {
    Rule { x0, y0, x1, y1 }
}

fn blocks(pages: &[Page]) -> Vec<Block> {
    super::blocks(pages.to_vec()).0
}

fn page(runs: Vec<Run>) -> Page {
    Page { known: runs.len(), runs, ..Page::default() }
}

fn paragraphs(texts: &[&str]) -> Vec<Block> {
    texts.iter().map(|t| Block::Paragraph(t.to_string())).collect()
}

#[test]
fn indents_and_short_lines_end_paragraphs() {
    let pages = [page(vec![
        run(120.0, 800.0, 20.0, "挂失办法"),
        run(120.0, 700.0, 10.0, "第一条 存款人遗失存单的应当。"),
        run(100.0, 685.0, 10.0, "及时到营业网点办理书面挂失手续办"),
        run(100.0, 670.0, 10.0, "理完毕。"),
        run(120.0, 655.0, 10.0, "口头挂失的有效期限为五天届满后"),
        run(100.0, 640.0, 10.0, "失效。"),
    ])];
    let blocks = blocks(&pages);
    assert_eq!(blocks[0], Block::Heading { depth: 1, text: "挂失办法".into() });
    assert_eq!(
        blocks[1..],
        paragraphs(&[
            "第一条 存款人遗失存单的应当。及时到营业网点办理书面挂失手续办理完毕。",
            "口头挂失的有效期限为五天届满后失效。"
        ])
    );
}

#[test]
fn running_heads_and_page_numbers_go() {
    let pages: Vec<Page> = (1..=4)
        .map(|n| {
            page(vec![
                run(100.0, 800.0, 9.0, "示例银行内部资料"),
                run(100.0, 700.0, 10.0, &format!("第{n}条 甲乙丙丁。")),
                run(250.0, 40.0, 9.0, &format!("第 {n} 页 共 4 页")),
            ])
        })
        .collect();
    let expected: Vec<String> = (1..=4).map(|n| format!("第{n}条 甲乙丙丁。")).collect();
    assert_eq!(blocks(&pages), paragraphs(&expected.iter().map(String::as_str).collect::<Vec<_>>()));
}

#[test]
fn pieces_are_joined_and_parted_by_their_gaps() {
    let pages = [page(vec![
        run(100.0, 700.0, 10.0, "第一章"),
        run(150.0, 700.2, 10.0, "总则"),
        run(100.0, 680.0, 10.0, "收"),
        run(110.1, 680.0, 10.0, "费"),
        run(110.2, 680.0, 10.0, "费"),
    ])];
    assert_eq!(blocks(&pages), paragraphs(&["第一章 总则", "收费"]));
}

#[test]
fn a_ruled_table_keeps_its_cells() {
    let mut page = page(vec![
        run(100.0, 760.0, 10.0, "收费按下表执行："),
        run(105.0, 720.0, 10.0, "业务名称"),
        run(205.0, 720.0, 10.0, "收费标准"),
        // The name stands in the middle of its row, the fee in two lines.
        run(105.0, 690.0, 10.0, "挂失"),
        run(205.0, 696.0, 10.0, "每次收取人民币"),
        run(205.0, 684.0, 10.0, "十元"),
        run(105.0, 660.0, 10.0, "补卡"),
        run(205.0, 660.0, 10.0, "五元"),
        run(100.0, 620.0, 10.0, "另行通知。"),
    ]);
    page.rules = [740.0, 710.0, 675.0, 650.0].map(|y| rule(100.0, y, 300.0, y)).to_vec();
    page.rules.extend([100.0, 200.0, 300.0].map(|x| rule(x, 650.0, x, 740.0)));
    let rows = [["业务名称", "收费标准"], ["挂失", "每次收取人民币十元"], ["补卡", "五元"]];
    assert_eq!(
        blocks(&[page]),
        [
            Block::Paragraph("收费按下表执行：".into()),
            Block::Table { header: false, rows: rows.map(|r| r.map(String::from).to_vec()).to_vec() },
            Block::Paragraph("另行通知。".into()),
        ]
    );
}

#[test]
fn struck_text_goes_and_underlined_text_stays() {
    let mut page = page(vec![run(100.0, 700.0, 10.0, "限额50000元20000元。"), run(100.0, 680.0, 10.0, "重点内容。")]);
    page.rules = vec![rule(120.0, 703.5, 180.0, 703.5), rule(100.0, 678.0, 140.0, 678.0)];
    let (blocks, struck) = super::blocks(vec![page]);
    assert_eq!((blocks, struck), (paragraphs(&["限额20000元。", "重点内容。"]), 6));
}

#[test]
fn raised_figures_stay_apart() {
    let pages = [page(vec![
        run(100.0, 700.0, 10.0, "上限为500"),
        run(160.0, 704.0, 6.0, "1"),
        run(166.0, 700.0, 10.0, "克，"),
    ])];
    assert_eq!(blocks(&pages), paragraphs(&["上限为500¹克，"]));
}

#[test]
fn heads_of_two_pages_go_where_they_stand_apart() {
    let pages: Vec<Page> = (1..=2)
        .map(|n| {
            page(vec![
                run(100.0, 800.0, 9.0, "示例银行内部资料"),
                run(100.0, 700.0, 10.0, &format!("第{n}条 甲乙丙丁。")),
                run(100.0, 685.0, 10.0, "每月检查。"),
                run(250.0, 40.0, 9.0, ["第一页", "第二页"][n - 1]),
            ])
        })
        .collect();
    assert_eq!(blocks(&pages), paragraphs(&["第1条 甲乙丙丁。", "每月检查。", "第2条 甲乙丙丁。", "每月检查。"]));
}

#[test]
fn a_page_full_of_larger_text_has_no_more_headings_than_others() {
    let small = |n: u8| run(100.0, 800.0 - 15.0 * f32::from(n), 7.0, &"指标代码名称频度日期备注。".repeat(3));
    let first = page((0..40).map(small).collect());
    let article = |n: u8| {
        let at = 780.0 - 30.0 * f32::from(n);
        let words = "本规定以工商行政管理部门登记的企业为对象各类";
        let label = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十"][usize::from(n)];
        [run(100.0, at, 10.0, &format!("第{label}条 {words}")), run(100.0, at - 15.0, 10.0, "企业参照执行。")]
    };
    let second = page((0..10).flat_map(article).collect());
    let found = blocks(&[first, second]);
    let headings: Vec<&Block> = found.iter().filter(|block| matches!(block, Block::Heading { .. })).collect();
    assert!(headings.is_empty(), "{headings:?}");
    let whole = "第三条 本规定以工商行政管理部门登记的企业为对象各类企业参照执行。";
    assert!(found.contains(&Block::Paragraph(whole.into())), "{found:?}");
}
