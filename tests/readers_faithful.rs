//! What a reader takes from a file is what the file says to a person: nothing that was withdrawn or hidden, nothing that stands around
//! the text, and all that belongs to it. Each test makes its own small files and looks at the clauses that come of them.

use guida::error::Code;
use guida::ingest::readers::{self, Outcome, WARNING_KEY};
use guida::ingest::walk::SourceFile;
use guida::text::document::RawDocument;
use guida::text::legal::{self, ParsedDocument};
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn outcome(name: &str, bytes: &[u8]) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    readers::read(&SourceFile { path, relative: name.to_string() })
}

fn raw(name: &str, bytes: &[u8]) -> RawDocument {
    match outcome(name, bytes) {
        Outcome::Read(mut documents) => documents.remove(0),
        other => panic!("{name}: {other:?}"),
    }
}

/// The one document of a file.
fn only(raw: &RawDocument) -> ParsedDocument {
    let mut documents = legal::parse(raw).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn parsed(name: &str, text: &str) -> ParsedDocument {
    only(&raw(name, text.as_bytes()))
}

/// Label and text of each clause.
fn clauses(document: &ParsedDocument) -> Vec<(&str, &str)> {
    document.clauses.iter().map(|clause| (clause.address.label.as_str(), clause.text.as_str())).collect()
}

fn warning(document: &RawDocument) -> &str {
    document.meta.get(WARNING_KEY).map_or("", String::as_str)
}

fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const W: &str = r#"xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main""#;

fn docx(body: &str, more: &[(&str, &str)]) -> RawDocument {
    raw("a.docx", &docx_bytes(body, more))
}

fn docx_bytes(body: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let document = format!("<w:document {W}><w:body>{body}</w:body></w:document>");
    let mut parts = vec![("[Content_Types].xml", "<Types/>"), ("word/document.xml", document.as_str())];
    parts.extend_from_slice(more);
    package(&parts)
}

fn p(runs: &str) -> String {
    format!("<w:p>{runs}</w:p>")
}

fn r(properties: &str, text: &str) -> String {
    format!("<w:r><w:rPr>{properties}</w:rPr><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
}

fn texts(document: &RawDocument) -> Vec<String> {
    use guida::text::document::Block;
    let text = |block: &Block| match block {
        Block::Heading { text, .. } | Block::Paragraph(text) => text.clone(),
        Block::Table { rows, .. } => rows.iter().map(|row| row.join("|")).collect::<Vec<_>>().join("/"),
    };
    document.blocks.iter().map(text).collect()
}

#[test]
fn struck_text_of_word_files_is_left_out_and_said() {
    let styles = r#"<w:styles xmlns:w="w"><w:style w:type="character" w:styleId="gone"><w:name w:val="作废"/><w:rPr><w:strike/></w:rPr></w:style>
        <w:style w:type="character" w:styleId="heir"><w:name w:val="子"/><w:basedOn w:val="gone"/></w:style>
        <w:style w:type="paragraph" w:styleId="old"><w:name w:val="旧文"/><w:rPr><w:dstrike w:val="true"/></w:rPr></w:style></w:styles>"#;
    let body = [
        p(&(r("", "限额为") + &r("<w:strike/>", "5万元") + &r("<w:strike w:val=\"0\"/>", "2万元。"))),
        p(&(r("<w:rStyle w:val=\"gone\"/>", "每季") + &r("<w:rStyle w:val=\"heir\"/>", "每周") + &r("", "每月检查。"))),
        p(&format!("<w:pPr><w:pStyle w:val=\"old\"/></w:pPr>{}", r("", "第三条 已删除。"))),
        p(&(r("<w:dstrike/>", "须经理授权")
            + &r("<w:rStyle w:val=\"gone\"/><w:strike w:val=\"false\"/>", "无须授权。"))),
        format!(
            "<w:tbl><w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr></w:tbl>",
            p(&r("", "挂失")),
            p(&(r("<w:strike/>", "99元") + &r("", "10元")))
        ),
    ]
    .concat();
    let document = docx(&body, &[("word/styles.xml", styles)]);
    assert_eq!(texts(&document), ["限额为2万元。", "每月检查。", "无须授权。", "挂失|10元"]);
    assert!(warning(&document).contains("带删除线的字没有读入"), "{}", warning(&document));
}

#[test]
fn raised_figures_notes_symbols_and_formulas_of_word_files() {
    let up = "<w:vertAlign w:val=\"superscript\"/>";
    let body = [
        p(&(r("", "上限500") + &r(up, "1") + &r("", "克、10") + &r(up, "6") + &r("", "元、3") + &r(up, "[2]") + &r("", "元、H") + &r("<w:vertAlign w:val=\"subscript\"/>", "2") + &r("", "O。"))),
        p(&(r("", "一律免费") + "<w:r><w:footnoteReference w:id=\"2\"/></w:r>" + &r("", "，另见") + "<w:r><w:endnoteReference w:id=\"1\"/></w:r>" + &r("", "。"))),
        p(&("<w:r><w:sym w:font=\"Wingdings\" w:char=\"F0FE\"/></w:r>".to_owned() + &r("", "是") + "<w:r><w:sym w:font=\"Wingdings 2\" w:char=\"F0A3\"/></w:r>" + &r("", "否，利率") + "<w:r><w:sym w:font=\"Symbol\" w:char=\"F0A3\"/></w:r>" + &r("", "3%") + &r("<w:rFonts w:ascii=\"Symbol\"/>", "\u{F0B1}"))),
        p("<m:oMath><m:f><m:num><m:r><m:t>利息+费用</m:t></m:r></m:num><m:den><m:r><m:t>余额</m:t></m:r></m:den></m:f><m:sSup><m:e><m:r><m:t>n</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath>"),
        p("<w:r><w:drawing><a:blip r:embed=\"i\"/></w:drawing></w:r>"),
    ]
    .concat();
    let footnotes = format!(
        "<w:footnotes {W}><w:footnote w:type=\"separator\" w:id=\"0\"><w:p><w:r><w:t>线</w:t></w:r></w:p></w:footnote><w:footnote w:id=\"2\">{}</w:footnote></w:footnotes>",
        p(&(r("", "超过2000枚的，每百枚") + &r("<w:strike/>", "9元") + &r("", "1元。")))
    );
    let endnotes = format!("<w:endnotes {W}><w:endnote w:id=\"1\">{}</w:endnote></w:endnotes>", p(&r("", "总行公告")));
    let document = docx(&body, &[("word/footnotes.xml", &footnotes), ("word/endnotes.xml", &endnotes)]);
    assert_eq!(
        texts(&document),
        [
            "上限500¹克、10⁶元、3[2]元、H₂O。",
            "一律免费（脚注：超过2000枚的，每百枚1元），另见（脚注：总行公告）。",
            "☑是□否，利率≤3%±",
            "(利息+费用)/余额n²",
        ]
    );
    assert!(warning(&document).contains("1 张图片"), "{}", warning(&document));
    let scan = p("<w:r><w:drawing><a:blip r:embed=\"i\"/></w:drawing></w:r>");
    let Outcome::Failed(error) = outcome("图.docx", &docx_bytes(&scan, &[])) else { panic!() };
    assert_eq!(error.code(), Code::DocumentNoText);
}

#[test]
fn embedded_documents_stand_in_their_place() {
    let rels = r#"<Relationships><Relationship Id="a" Type="x/aFChunk" Target="c.html"/><Relationship Id="b" Type="x/aFChunk" Target="/word/c.txt"/><Relationship Id="c" Type="x/aFChunk" Target="c.mht"/></Relationships>"#;
    let body = p(&r("", "第一条 甲。"))
        + "<w:altChunk r:id=\"a\"/><w:altChunk r:id=\"b\"/><w:altChunk r:id=\"c\"/>"
        + &p(&r("", "第四条 丁。"));
    let document = docx(
        &body,
        &[
            ("word/_rels/document.xml.rels", rels),
            ("word/c.html", "<meta charset=utf-8><p>第二条 乙<s>旧</s>。</p>"),
            ("word/c.txt", "第三条 丙。"),
            ("word/c.mht", "MIME"),
        ],
    );
    assert_eq!(texts(&document), ["第一条 甲。", "第二条 乙。", "第三条 丙。", "第四条 丁。"]);
    assert!(warning(&document).contains("1 个嵌入的文件没有读入"), "{}", warning(&document));
}

#[test]
fn merged_headers_are_repeated_over_their_columns() {
    let cell = |span: usize, text: &str| {
        format!("<w:tc><w:tcPr><w:gridSpan w:val=\"{span}\"/></w:tcPr>{}</w:tc>", p(&r("", text)))
    };
    let row = |cells: &[String]| format!("<w:tr>{}</w:tr>", cells.concat());
    let body = format!(
        "<w:tbl>{}{}{}{}{}</w:tbl>",
        row(&[cell(1, "类别"), cell(2, "取款"), cell(1, "备注")]),
        row(&[cell(1, "类别"), cell(1, "单日"), cell(1, "年"), cell(1, "备注")]),
        row(&[cell(1, "一"), cell(3, "个人客户")]),
        row(&[cell(1, "普通"), cell(2, "不限"), cell(1, "")]),
        row(&[cell(4, "以上为上限")]),
    );
    assert_eq!(
        texts(&docx(&body, &[])),
        ["类别|取款|取款|备注/类别|单日|年|备注/一|个人客户||/普通|不限|不限|/以上为上限|||"]
    );
}

/// A workbook of one sheet and its shared strings.
fn workbook(before: &str, rows: &str, after: &str, strings: &str) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let types = "http://schemas.openxmlformats.org/package/2006";
    package(&[
        ("[Content_Types].xml", &format!("<Types xmlns=\"{types}/content-types\"/>")),
        (
            "_rels/.rels",
            &format!(
                "<Relationships xmlns=\"{types}/relationships\"><Relationship Id=\"r\" Type=\"{rel}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            &format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{rel}\"><sheets><sheet name=\"收费\" sheetId=\"1\" r:id=\"r1\"/><sheet name=\"旧版\" sheetId=\"2\" state=\"veryHidden\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &format!(
                "<Relationships xmlns=\"{types}/relationships\"><Relationship Id=\"r1\" Type=\"{rel}/worksheet\" Target=\"worksheets/s.xml\"/><Relationship Id=\"r2\" Type=\"{rel}/styles\" Target=\"styles.xml\"/><Relationship Id=\"r3\" Type=\"{rel}/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/worksheets/s.xml",
            &format!("<worksheet xmlns=\"{main}\">{before}<sheetData>{rows}</sheetData>{after}</worksheet>"),
        ),
        (
            "xl/styles.xml",
            &format!(
                "<styleSheet xmlns=\"{main}\"><numFmts count=\"2\"><numFmt numFmtId=\"170\" formatCode=\"0;-0;&quot;免费&quot;\"/><numFmt numFmtId=\"171\" formatCode=\"000\"/></numFmts><fonts count=\"2\"><font/><font><strike/></font></fonts><cellXfs count=\"4\"><xf fontId=\"0\"/><xf fontId=\"1\"/><xf fontId=\"0\" numFmtId=\"170\"/><xf fontId=\"0\" numFmtId=\"171\"/></cellXfs></styleSheet>"
            ),
        ),
        ("xl/sharedStrings.xml", &format!("<sst xmlns=\"{main}\">{strings}</sst>")),
    ])
}

fn cell(at: &str, style: u32, text: &str) -> String {
    format!("<c r=\"{at}\" s=\"{style}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

#[test]
fn a_sheet_is_read_as_it_is_shown() {
    let rows = [
        format!("<row r=\"1\">{}</row>", cell("A1", 0, "收费表（2025年版）")),
        format!(
            "<row r=\"2\">{}{}{}{}</row>",
            cell("A2", 0, "项目"),
            cell("B2", 0, "标准"),
            cell("C2", 0, "成本"),
            cell("D2", 0, "备注")
        ),
        format!(
            "<row r=\"3\">{}<c r=\"B3\" s=\"2\"><v>0</v></c>{}<c r=\"D3\" t=\"s\"><v>1</v></c></row>",
            cell("A3", 0, "年费"),
            cell("C3", 0, "3元")
        ),
        format!("<row r=\"4\" hidden=\"1\">{}{}</row>", cell("A4", 0, "旧挂失费"), cell("B4", 0, "99元")),
        format!(
            "<row r=\"5\" ht=\"0\" customHeight=\"1\">{}{}</row>",
            cell("A5", 0, "旧补卡费"),
            cell("B5", 0, "88元")
        ),
        format!("<row r=\"6\">{}{}</row>", cell("A6", 1, "旧工本费"), cell("B6", 0, "77元")),
        format!("<row r=\"7\">{}{}</row>", cell("A7", 0, "短信费"), cell("B7", 1, "66元")),
        format!("<row r=\"8\">{}<c r=\"B8\" s=\"3\"><v>7</v></c></row>", cell("A8", 0, "编号")),
        format!("<row r=\"9\">{}<c r=\"B9\"><f>1+1</f></c></row>", cell("A9", 0, "公式")),
        format!("<row r=\"10\">{}<c r=\"B10\" t=\"s\"><v>0</v></c></row>", cell("A10", 0, "补卡费")),
    ]
    .concat();
    let strings = "<si><r><rPr><strike/></rPr><t>9元</t></r><r><t>7元</t></r></si><si><r><t>上限500</t></r><r><rPr><vertAlign val=\"superscript\"/></rPr><t>1</t></r></si>";
    let columns = "<cols><col min=\"3\" max=\"3\" hidden=\"1\"/></cols>";
    let bytes = workbook(columns, &rows, "<mergeCells><mergeCell ref=\"A1:D1\"/></mergeCells>", strings);
    let document = raw("收费.xlsx", &bytes);
    assert_eq!(
        texts(&document),
        ["收费表（2025年版）", "收费", "项目|标准|备注/年费|免费|上限500¹/短信费/编号|007/公式/补卡费|7元",]
    );
    for said in ["隐藏的工作表没有读入:旧版", "2 个隐藏行", "1 个隐藏列", "处带删除线", "B9"] {
        assert!(warning(&document).contains(said), "{said}: {}", warning(&document));
    }
}

#[test]
fn merged_cells_of_a_sheet_fill_their_rows_and_columns() {
    let rows = [
        format!("<row r=\"1\">{}{}</row>", cell("A1", 0, "类别"), cell("B1", 0, "取款")),
        format!("<row r=\"2\">{}{}</row>", cell("B2", 0, "单日"), cell("C2", 0, "年")),
        format!("<row r=\"3\">{}{}{}</row>", cell("A3", 0, "普通"), cell("B3", 0, "1万元"), cell("C3", 0, "20万元")),
        format!("<row r=\"4\">{}{}</row>", cell("A4", 0, "贵宾"), cell("B4", 0, "不限")),
    ]
    .concat();
    let merges =
        "<mergeCells><mergeCell ref=\"A1:A2\"/><mergeCell ref=\"B1:C1\"/><mergeCell ref=\"B4:C4\"/></mergeCells>";
    let document = raw("限额.xlsx", &workbook("", &rows, merges, ""));
    assert_eq!(texts(&document)[2], "类别|取款|取款/类别|单日|年/普通|1万元|20万元/贵宾|不限|不限");
}

#[test]
fn articles_are_found_in_every_spelling() {
    for (n, line) in [
        "第{}条 {}",
        "第{}条、{}",
        "【第{}条】{}",
        "[第{}条] {}",
        "（第{}条）{}",
        "第{}條 {}",
        "第{}条：{}",
        "第{}条——{}",
        "第{}条.{}",
        "第 {} 条{}",
        "〔第{}条〕 {}",
    ]
    .into_iter()
    .enumerate()
    {
        let lines: Vec<String> = [("一", "制定本办法。"), ("二", "年费21元。"), ("三", "挂失费22元。")]
            .iter()
            .map(|(number, text)| line.replacen("{}", number, 1).replacen("{}", text, 1))
            .collect();
        let name = if n % 2 == 0 { "a.txt" } else { "a.md" };
        let document = parsed(name, &format!("示例卡管理办法\n{}\n", lines.join("\n")));
        assert_eq!(
            clauses(&document),
            [("第一条", "制定本办法。"), ("第二条", "年费21元。"), ("第三条", "挂失费22元。")],
            "{line}"
        );
    }
    let scanned = parsed("a.txt", "示例卡管理办法\n第—条 甲。\n第二条 乙。");
    assert_eq!(clauses(&scanned), [("第一条", "甲。"), ("第二条", "乙。")]);
    let one_line = parsed("a.txt", "示例卡管理办法\n第一条甲，限额1万元。第二条乙，参照第一条。第三条丙。");
    assert_eq!(clauses(&one_line), [("第一条", "甲，限额1万元。"), ("第二条", "乙，参照第一条。"), ("第三条", "丙。")]);
}

#[test]
fn a_reference_at_the_beginning_of_a_line_is_no_article() {
    let document = parsed(
        "a.txt",
        "海鸥卡管理办法\n第一条 制定本办法。\n第二条 取现的，应当按照\n第三条（取现限额）核对后办理。\n第三条 限额8000元。\n第四条 违反\n第二条 的，依照本办法\n第三条:由主管处理。\n第五条 自公布之日起施行。",
    );
    let labels: Vec<&str> = document.clauses.iter().map(|c| c.address.label.as_str()).collect();
    assert_eq!(labels, ["第一条", "第二条", "第三条", "第四条", "第五条"]);
    assert_eq!(document.clauses[1].text, "取现的，应当按照第三条（取现限额）核对后办理。");
    assert_eq!(document.clauses[2].text, "限额8000元。");
    // Without spaces and stops, as scanners leave them, it goes on counting.
    let scanned = parsed(
        "b.txt",
        "银行卡管理办法\n行长：某某\n第一条为规范业务\n第二条年费10元\n第三条输错3次的锁卡\n第四条到柜面重置",
    );
    assert_eq!(scanned.clauses.iter().filter(|c| c.address.article.is_some()).count(), 4);
}

#[test]
fn doubts_about_the_numbering_are_said() {
    let said = |text: &str| legal::doubts(&parsed("a.txt", text)).join(";");
    assert_eq!(said("办法\n第一条 甲。\n第二条 乙。\n第三条 丙。"), "");
    assert!(said("办法\n第一条 甲。\n第二条 乙。\n第四条 丁。").contains("缺第3条"));
    assert!(said("办法\n第一条 甲。\n第二条 乙。\n第三条 丙。\n第三条 丁。").contains("重复"));
}

#[test]
fn numbers_of_a_procedure_are_addresses() {
    let document = parsed(
        "a.txt",
        "流星卡操作规程\n1 总则\n1.1 适用于开立。\n2 开立\n2.1 受理\n2.1.1 年满16周岁。\n2.1.2 工本费12元。\n3 附则\n自2025年4月1日起施行。",
    );
    let labels: Vec<&str> = document.clauses.iter().map(|c| c.address.label.as_str()).collect();
    assert_eq!(labels, ["1.1", "2.1.1", "2.1.2", "3"]);
    assert_eq!(document.clauses[2].heading, "2 开立 2.1 受理");
    let found = guida::text::address::find_in_query("流星卡操作规程2.1.2").unwrap();
    assert_eq!((found.document.as_deref(), found.address.label.as_str()), (Some("流星卡操作规程"), "2.1.2"));
}

#[test]
fn lines_of_a_fixed_width_are_paragraphs_again() {
    let text = "星光账户管理办法\n第一条 为规范星光账户，制定本办法。\n第二条 客户申请开立星光账户的，应当出示有效身份证件，填写申请书，\n并由柜员通过联网核查系统核对身份；核对不一致的，不得开立。客户为\n境外人员的，还应当提供入境记录或者居留许可。\n星光账户每人限开一户。\n第三条 本办法自2025年4月1日起施行。";
    for name in ["a.txt", "a.md"] {
        let document = parsed(name, text);
        let paragraphs: Vec<&str> = document.clauses[1].text.lines().collect();
        assert_eq!(paragraphs.len(), 2, "{name}");
        assert_eq!(paragraphs[1], "星光账户每人限开一户。");
    }
}

#[test]
fn rows_of_a_long_table_are_clauses_with_their_header() {
    let rows: String = (1..=20).map(|n| format!("| 第{n}类业务 | {n}元 | {}元 |\n", n + 100)).collect();
    let table = format!("| 业务名称 | 普通 | 贵宾 |\n|---|---|---|\n{rows}");
    let alone = parsed("a.md", &format!("# 收费表\n\n{table}"));
    assert_eq!(alone.clauses.len(), 20);
    assert_eq!(clauses(&alone)[6], ("第7类业务", "| 业务名称 | 普通 | 贵宾 |\n| 第7类业务 | 7元 | 107元 |"));
    let within = parsed("a.md", &format!("# 收费办法\n\n第一条 按下表执行：\n{table}\n第二条 自公布之日起施行。"));
    assert_eq!(clauses(&within)[0], ("第一条", "按下表执行："));
    assert_eq!(clauses(&within)[7].0, "第一条·第7类业务");
    assert_eq!(clauses(&within)[21], ("第二条", "自公布之日起施行。"));
    let html: String = (1..=20).map(|n| format!("<tr><td>第{n}类业务</td><td>{n}元</td></tr>")).collect();
    let page = parsed(
        "a.html",
        &format!("<meta charset=utf-8><h1>收费表</h1><table><tr><th>业务</th><th>收费</th></tr>{html}</table>"),
    );
    assert_eq!(clauses(&page)[6], ("第7类业务", "| 业务 | 收费 |\n| 第7类业务 | 7元 |"));
}

#[test]
fn a_page_is_read_without_what_stands_around_it() {
    let page = "<html><meta charset=utf-8><title>早报</title><body><p>您的位置：首页 &gt; 制度</p><p>晚班取款管理办法</p><p>第一条 限额9000元。</p><p>打印本页 关闭窗口</p><p>京ICP备05073439号</p></body></html>";
    let document = only(&raw("a.html", page.as_bytes()));
    assert_eq!(document.title, "晚班取款管理办法");
    assert_eq!(clauses(&document), [("第一条", "限额9000元。")]);
    assert!(warning(&raw("a.html", page.as_bytes())).contains("3 行"));
}

#[test]
fn look_alikes_are_read_as_what_they_look_like() {
    for (name, text) in [
        ("a.txt", "⽀票簿管理办法\n第⼀条 ⽀票簿每⽉限领⼆本。"),
        ("a.md", "# ⽀票簿管理办法\n第⼀条 ⽀票簿每⽉限领⼆本。"),
    ] {
        let document = parsed(name, text);
        assert_eq!(
            (document.title.as_str(), clauses(&document)),
            ("支票簿管理办法", vec![("第一条", "支票簿每月限领二本。")])
        );
    }
}

#[test]
fn a_slip_in_the_properties_is_said() {
    let document = raw(
        "a.md",
        "---\ntitle: 甲办法\nefective: 2019-01-01\n废止日期: 2023-12-31\nvalid_from: 2019-01-01\n---\n第一条 甲。"
            .as_bytes(),
    );
    assert!(warning(&document).contains("efective(是否 effective?)"), "{}", warning(&document));
    assert!(warning(&document).contains("valid_from(是否 effective?)"), "{}", warning(&document));
    // The Chinese name is read, see `text::legal::is_property`.
    assert!(!warning(&document).contains("废止日期"), "{}", warning(&document));
}

#[test]
fn a_run_of_figures_takes_no_time_with_its_square() {
    let figures = "9".repeat(400_000);
    let start = std::time::Instant::now();
    let document = parsed("a.txt", &format!("办法\n第一条 甲。\n{figures}\n第{figures}条 乙。"));
    assert!(!document.clauses.is_empty());
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}
