//! Tables of personal data in Chinese banking text: cue words, surnames, and what must never be masked.

/// Cue words count within this many characters.
pub(super) const CUE_REACH: usize = 15;
/// A cue this near speaks of the number itself: `账号:`, `卡号是`.
pub(super) const DIRECT_REACH: usize = 4;

pub(super) const ID_CUES: &[&str] =
    &["身份证", "证件号", "证件号码", "公民身份号码", "身份号码", "居住证", "户口本", "永居", "永久居留"];
pub(super) const CARD_CUES: &[&str] =
    &["卡号", "银行卡", "借记卡", "信用卡", "储蓄卡", "贷记卡", "社保卡", "工资卡", "副卡", "主卡"];
pub(super) const ACCOUNT_CUES: &[&str] = &[
    "账号",
    "帐号",
    "账户",
    "帐户",
    "存折",
    "折号",
    "存单",
    "对公户",
    "基本户",
    "一般户",
    "专用户",
    "临时户",
    "结算户",
    "户头",
    "卡号",
    "转入",
    "汇入",
];
pub(super) const PASSPORT_CUES: &[&str] = &["护照", "PASSPORT"];
pub(super) const TAIWAN_CUES: &[&str] = &["台胞证", "台湾居民", "台湾同胞", "大陆通行证"];
pub(super) const CREDIT_CODE_CUES: &[&str] =
    &["信用代码", "税号", "纳税人识别号", "营业执照", "执照号", "注册号", "统一代码", "组织机构代码"];
pub(super) const PHONE_CUES: &[&str] = &["手机", "电话", "号码", "联系", "致电", "短信", "微信", "MOBILE", "TEL"];
/// A number called one of these is a business serial number, not an account or an old identity number.
pub(super) const SERIAL_CUES: &[&str] = &[
    "流水号",
    "流水",
    "单号",
    "凭证号",
    "编号",
    "票号",
    "受理号",
    "工单",
    "批次",
    "序号",
    "序列号",
    "机具号",
    "终端号",
    "版本",
    "时间",
    "日期",
];
/// Of these, the ones that speak of the number itself.
pub(super) const SERIAL_NUMBER_CUES: &[&str] =
    &["流水号", "单号", "凭证号", "编号", "票号", "受理号", "序列号", "批次号"];
/// A number behind one of these is dialled.
pub(super) const DIAL_CUES: &[&str] = &["打", "拨", "电话", "热线", "客服", "致电"];
/// A number called one of these is an amount.
pub(super) const AMOUNT_CUES: &[&str] = &["金额", "余额", "限额", "额度", "合计", "共计", "总计", "人民币", "RMB"];
/// Currency words after a number; 元旦 is excepted where they are used.
pub(super) const CURRENCIES: &[&str] =
    &["元", "万元", "亿元", "美元", "美金", "欧元", "港元", "港币", "日元", "英镑", "块钱", "人民币", "%", "‰"];
/// Units after a short number, which is then no part of a longer one.
pub(super) const UNITS: &[&str] = &[
    "元", "万", "亿", "块", "美", "欧", "港", "%", "‰", "笔", "年", "月", "日", "天", "张", "份", "户", "个", "人",
    "次", "岁", "小时", "分钟", "倍", "折", "角", "条", "款", "项", "期",
];
/// First digits of bank cards: UnionPay, Visa, MasterCard (2 series too), JCB, American Express, Diners, and the older
/// domestic ranges of the large banks.
pub(super) const CARD_PREFIXES: &[&str] = &[
    "62", "4", "51", "52", "53", "54", "55", "22", "23", "24", "25", "26", "27", "35", "34", "37", "36", "60", "68",
    "69", "9558", "9559",
];

/// Provinces as a number plate begins with them.
pub(super) const PLATE_PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";

/// Cue words that name a person outright; the name follows, with or without 是 or a colon.
pub(super) const NAME_CUES: &[&str] = &[
    "姓名",
    "户名",
    "名字",
    "名叫",
    "叫做",
    "全名",
    "联系人",
    "收款人",
    "付款人",
    "汇款人",
    "持卡人",
    "存款人",
    "经办人",
    "代办人",
    "代理人",
    "继承人",
    "被继承人",
    "法定代表人",
    "法人代表",
    "监护人",
    "开户人",
    "申请人",
];
/// Words for the people at a counter; a name follows them only before 先生 and the like, or before 的身份证 and the like.
pub(super) const PERSON_CUES: &[&str] =
    &["客户", "储户", "老人", "儿子", "女儿", "母亲", "父亲", "老板", "法人", "会计", "出纳", "本人", "死者", "叫"];
/// What may stand between a cue and the name.
pub(super) const NAME_LINKS: &[&str] = &["是", "为", "叫", ":", " ", "=", "("];
/// Words after a name that show it was one.
pub(super) const NAME_TITLES: &[&str] = &["先生", "女士", "小姐", "同志", "大爷", "大妈", "阿姨", "老师"];
pub(super) const NAME_FOLLOWERS: &[&str] = &[
    "的",
    "来",
    "在",
    "到",
    "说",
    "想",
    "要",
    "和",
    "与",
    "身份证",
    "电话",
    "手机",
    "账",
    "卡",
    "住",
    "已",
    "本人",
    "今",
];
/// Surnames of one character: the commonest 200, without those that mostly begin other words at a counter (和, 于, 何 …
/// stay, guarded by [`NAME_STOPS`]).
pub(super) const SURNAMES: &str = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁\
魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施\
陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成\
游阳裴席卫屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边净邰瞿";
pub(super) const COMPOUND_SURNAMES: &[&str] = &[
    "欧阳", "司马", "上官", "诸葛", "司徒", "东方", "皇甫", "尉迟", "公孙", "令狐", "慕容", "夏侯", "宇文", "长孙",
    "端木", "西门", "南宫", "轩辕", "呼延", "拓跋",
];
/// Words that begin like a name and are none.
pub(super) const NAME_STOPS: &[&str] = &[
    "张家", "王府", "何时", "何种", "何地", "何处", "何人", "何事", "高龄", "高风", "高中", "常见", "常住", "常用",
    "于是", "于当", "钱款", "钱财", "金额", "金融", "黄金", "马上", "方便", "方式", "方可", "方能", "万元", "成年",
    "成功", "白天", "白条", "时间", "时候", "江苏", "安全", "安排", "解冻", "解除", "解释", "解约", "计划", "施行",
    "汤", "温馨", "路过", "路径", "单位", "单独", "单笔", "单方", "单据", "包括", "包含", "任何", "任意", "任职",
    "申请", "申报", "申诉", "查询", "查封", "查验", "关于", "关系", "关联", "关闭", "左右", "文件", "文字", "文本",
    "曾经", "曾出", "曾在", "曾有", "曾任", "曾为", "曾被", "曾用", "房产", "房屋", "房贷", "毛笔", "车辆", "车贷",
    "车主", "强制", "强烈", "强行", "华侨", "华裔", "项下", "项目", "纪念", "费用", "边境", "管理", "管控", "全部",
    "左侧",
];
/// Characters of function words; a name at a counter has none of them.
pub(super) const NOT_IN_NAMES: &str = "不要能可会已没无了的是来去取存办什么怎几多少次元号及等其他本行被把给对从到过时如何开销挂失转账户卡折单证件\
名姓字信息款额人员机构业务银写填错误同异致符更改变清晰完整真实有效须应当需将在后前者与和或且但此该每各均均为空栏称简生僻首字母拼音签章印鉴含请让使用所以我你您她也都就还只很太先再又";

/// Roads and estates that an address number follows.
pub(super) const ROADS: &[&str] =
    &["大道", "路", "街", "巷", "胡同", "小区", "花园", "公寓", "新村", "家园", "大厦", "广场", "苑"];
/// Words ending in 路 or 街 that are no road.
pub(super) const NOT_ROADS: &[&str] = &["线路", "电路", "网路", "思路", "通路", "一路", "铁路", "公路"];
/// Parts of an address that follow a number.
pub(super) const HOUSE_PARTS: &[&str] = &["号楼", "号院", "号", "弄", "栋", "幢", "座", "单元", "室", "层", "楼", "组"];
/// Ends of the part of an address that stays readable.
pub(super) const DISTRICTS: [char; 6] = ['区', '县', '市', '旗', '省', '州'];
/// Words before an address that are not part of it.
pub(super) const ADDRESS_CUES: &[&str] =
    &["住址", "地址", "住在", "家住", "住", "位于", "寄到", "寄往", "搬到", "是", "在", "到"];

/// Passwords: the secret has 4 to 20 characters.
pub(super) const PASSWORD_CUES: &[&str] = &["密码", "口令", "PASSWORD", "PIN码"];
/// One-time codes: 4 to 8 digits.
pub(super) const CODE_CUES: &[&str] = &["验证码", "校验码", "动态码", "短信码", "激活码", "OTP", "动态口令"];
/// The code on the back of a card: 3 or 4 digits.
pub(super) const CVV_CUES: &[&str] = &["CVV2", "CVV", "CVC2", "CVC", "CVN", "安全码"];
/// The expiry of a card: `MM/YY` or `MMYY`.
pub(super) const EXPIRY_CUES: &[&str] = &["有效期", "到期日", "EXP"];
/// A number called one of these near a secret's cue is not the secret.
pub(super) const NOT_SECRET_CUES: &[&str] =
    &["尾号", "表单", "编号", "窗口", "流水", "工号", "第", "拨打", "拨", "电话", "热线", "致电", "客服"];

/// Telephone numbers that belong to the public: banks (95xxx), authorities, emergency calls.
pub(super) const HOTLINES: &[&str] =
    &["12363", "12378", "12386", "12315", "12345", "12348", "12381", "96110", "110", "119", "120", "114"];
