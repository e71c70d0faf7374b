//! Problems in Chinese, by their English sentence, as message catalogues do: `{}` stands for whatever the
//! sentence was made with.
//!
//! A sentence that stands nowhere here is shown in English. The test below reads the hub's own source and
//! names every sentence that is missing. Where several lines fit, the first one counts.

mod rosters;

use super::language::Language;

/// Titles of problem types: type, English, Chinese.
const TITLES: &[(&str, &str, &str)] = &[
    ("already-over", "Over already", "已经结束"),
    ("body-too-large", "Body too large", "正文过大"),
    ("busy", "Busy, come again later", "繁忙，请稍后再试"),
    ("case-ended", "The case has ended", "事件已办结"),
    ("case-open", "The case is still open", "事件尚未办结"),
    ("cross-site", "Request of another site", "跨站请求"),
    (
        "directory-refused",
        "Errors in the directory",
        "目录内容有错误",
    ),
    ("evidence-full", "No space for evidence", "证据空间已满"),
    (
        "evidence-let-go",
        "Evidence deleted after its time",
        "证据已到期删除",
    ),
    (
        "evidence-lost",
        "Evidence damaged or lost",
        "证据文件损坏或丢失",
    ),
    (
        "evidence-missing",
        "Evidence never brought",
        "证据文件未上传",
    ),
    ("gateway-needed", "Gateway needed", "需要指明网关"),
    ("hash-mismatch", "Other hash than announced", "校验值不符"),
    ("in-use", "Still in use", "仍在使用中"),
    ("incomplete", "Something is missing", "内容不完整"),
    ("internal-error", "Error in the hub", "系统内部错误"),
    ("invalid-request", "Invalid request", "请求有误"),
    ("json-needed", "JSON needed", "需要 JSON"),
    (
        "key-reused",
        "Idempotency key used before",
        "幂等键已被使用",
    ),
    ("last-administrator", "Last administrator", "最后一名管理员"),
    ("malformed-body", "Malformed body", "正文格式有误"),
    ("method-not-allowed", "Method not allowed", "不支持此方法"),
    ("name-taken", "Name taken", "名称已被占用"),
    ("not-allowed", "Not allowed", "无权操作"),
    ("not-found", "Not found", "未找到"),
    ("not-on-duty", "Not on duty", "不在班"),
    ("not-signed-in", "Not signed in", "未登录"),
    (
        "other-gateway",
        "Key of another gateway",
        "密钥属于其他网关",
    ),
    ("other-hub", "Key of another hub", "密钥属于其他平台"),
    ("range-needed", "Ask for a part", "请分段请求"),
    ("reason-needed", "Reason needed", "需要填写理由"),
    (
        "reveal-needed",
        "Masked, reason needed",
        "已遮盖，须先说明理由",
    ),
    (
        "second-person-needed",
        "Second person needed",
        "需要第二人确认",
    ),
    ("too-many", "Too much was sent", "发送过于频繁"),
    ("too-many-attempts", "Too many attempts", "尝试次数过多"),
    (
        "too-many-commands",
        "Too many commands wait",
        "待执行指令过多",
    ),
    ("too-many-files", "Too many files", "文件过多"),
    ("too-many-requests", "Too many requests", "请求过于频繁"),
    ("too-slow", "Too slow", "传输过慢"),
    ("unsupported-file", "Unsupported file", "不支持的文件类型"),
    ("unsupported-version", "Unsupported version", "不支持的版本"),
    (
        "version-conflict",
        "Changed in the meantime",
        "内容已被他人更改",
    ),
    ("version-needed", "Version needed", "需要版本号"),
    (
        "wrong-credentials",
        "Wrong name or password",
        "用户名或密码错误",
    ),
    ("wrong-key", "Wrong gateway key", "网关密钥错误"),
    (
        "wrong-state",
        "Not possible in this state",
        "当前状态不允许",
    ),
];

/// Sentences: English, Chinese.
const SENTENCES: &[(&str, &str)] = &[
    ("sign in first", "请先登录"),
    (
        "only who sends people may see where grid workers are",
        "只有派遣人员的岗位可以查看网格员位置",
    ),
    ("this hub has no map tiles", "本中心没有配置底图"),
    (
        "ask for one part within the {} bytes of the file, of at most {} bytes, with `Range: bytes=FIRST-LAST`",
        "请用 `Range: bytes=起-止` 请求文件（共 {} 字节）中的一段，每段最多 {} 字节",
    ),
    ("only an administrator may do this", "只有管理员可以这样做"),
    (
        "only an administrator may see the counters",
        "只有管理员可以查看计数",
    ),
    (
        "the hub could not do this; its log says why",
        "系统未能完成操作，原因见日志",
    ),
    (
        "the store does not answer; try again",
        "数据库没有应答，请重试",
    ),
    ("the queue of the engine is full", "处理队列已满"),
    ("the hub is busy", "系统繁忙，请重试"),
    ("the hub is stopping", "系统正在停止"),
    ("too many live feeds are open", "打开的实时通道过多"),
    (
        "too many requests; come again in {} s",
        "请求过于频繁，请在 {} 秒后重试",
    ),
    // Before the next one, which fits it too.
    (
        "there is no case {} of the hub `{}`",
        "没有编号为 {} 的事件（平台“{}”）",
    ),
    ("there is no case {}", "没有编号为 {} 的事件"),
    ("there is no gateway `{}`", "没有网关“{}”"),
    ("`{}` is no time: {}", "`{}` 不是有效的时间：{}"),
    ("there is no channel `{}`", "没有通知渠道“{}”"),
    ("another test is under way", "另一次测试正在进行"),
    ("there is no such notification", "没有这条通知"),
    ("there is no user `{}`", "没有用户“{}”"),
    ("there is no site `{}`", "没有小区“{}”"),
    ("there is no area `{}`", "没有区域“{}”"),
    ("there is nothing at `/{}`", "“/{}”处没有内容"),
    ("there is no file `/{}`", "没有文件“/{}”"),
    (
        "gateway `{}` shows no sample of `{}` any more",
        "网关“{}”已没有“{}”的样本",
    ),
    (
        "this address does not take this method",
        "此地址不支持该方法",
    ),
    ("pages are only read", "页面只能读取"),
    (
        "a changing request needs the header `X-Gridwatch-Request: 1` and must come from the hub's own pages",
        "更改请求必须带有请求头 `X-Gridwatch-Request: 1`，并来自本系统的页面",
    ),
    (
        "the gateway key is missing, unknown or revoked; `hub gateway add` makes one",
        "网关密钥缺失、未知或已吊销；可用 `hub gateway add` 生成",
    ),
    (
        "the key is that of gateway `{}`, the body says `{}`",
        "密钥属于网关“{}”，正文写的是“{}”",
    ),
    (
        "the commissioning record {} is another gateway's",
        "调试记录 {} 属于其他网关",
    ),
    (
        "the history is busy; send these readings again later",
        "历史库繁忙，请稍后重发这些读数",
    ),
    (
        "this hub speaks version {} of the wire, the body is version {}",
        "本系统使用第 {} 版协议，正文是第 {} 版",
    ),
    (
        "the body is not what this address takes: {}",
        "正文不是此地址所接受的内容：{}",
    ),
    (
        "the body has {} {}, at most {} are allowed",
        "正文含 {} 个 {}，最多 {} 个",
    ),
    (
        "the name or the password is wrong, or the account is disabled",
        "用户名或密码错误，或账号已停用",
    ),
    (
        "too many failed sign-ins; try again in {} s",
        "登录失败次数过多，请在 {} 秒后重试",
    ),
    (
        "`Idempotency-Key` is 1 to {} visible ASCII characters",
        "`Idempotency-Key` 应为 1 到 {} 个可见 ASCII 字符",
    ),
    (
        "this idempotency key came before with another request",
        "该幂等键已用于另一个请求",
    ),
    (
        "`{}` is between {} and {}, not {}",
        "`{}` 应在 {} 与 {} 之间，不能是 {}",
    ),
    (
        "`{}` is one of {}, not `{}`",
        "`{}` 应为 {} 之一，不能是“{}”",
    ),
    (
        "`after` is not the `next` of a page",
        "`after` 不是某一页的 `next`",
    ),
    (
        "`from` is not after `to`, and `max_points` is between 2 and {}",
        "`from` 不得晚于 `to`，`max_points` 应在 2 与 {} 之间",
    ),
    ("`since` is not after `until`", "`since` 不得晚于 `until`"),
    ("`{}` is not a kind", "“{}”不是读数种类"),
    (
        "several gateways have this device; say `gateway`: {}",
        "多个网关有此设备，请用 `gateway` 指明：{}",
    ),
    (
        "this notification is `{}`; only what was given up (`dead`) is sent again",
        "该通知处于“{}”状态；只有已放弃（`dead`）的才能重发",
    ),
    (
        "the task of notifications is busy; try again",
        "通知任务繁忙，请重试",
    ),
    (
        "`If-Match` is the `ETag` of the case or its version in quotes",
        "`If-Match` 应为事件的 `ETag`，或带引号的版本号",
    ),
    (
        "`If-Match` names version {}, the body version {}",
        "`If-Match` 写的是第 {} 版，正文写的是第 {} 版",
    ),
    (
        "{}; the hub holds only the beginning of this message: make the profile on the gateway from a whole one",
        "{}；系统只保存了该消息的开头：请在网关上用完整消息生成配置",
    ),
    // What is asked of lists and reports.
    ("`by=day` is for {} days at most", "`by=day` 最多用于 {} 天"),
    (
        "`by` must be one of month, day, category, severity",
        "`by` 应为 month、day、category、severity 之一",
    ),
    ("`format` must be json or csv", "`format` 应为 json 或 csv"),
    (
        "`level` must be one of city, district, street, community, grid",
        "`level` 应为 city、district、street、community、grid 之一",
    ),
    (
        "`limit` must be between 1 and {}",
        "`limit` 应在 1 与 {} 之间",
    ),
    ("`step` must be hour or day", "`step` 应为 hour 或 day"),
    (
        "`chain` is `audit` or `cases`, not `{}`",
        "`chain` 应为 `audit` 或 `cases`，不能是“{}”",
    ),
    (
        "`severity` is of P1, P2, P3, P4, not `{}`",
        "`severity` 应为 P1、P2、P3、P4 之一，不能是“{}”",
    ),
    (
        "`state` is `all` or `lasting`, not `{}`",
        "`state` 应为 `all` 或 `lasting`，不能是“{}”",
    ),
    (
        "`state` is `open`, `ended` or `all`, not `{}`",
        "`state` 应为 `open`、`ended` 或 `all`，不能是“{}”",
    ),
    (
        "`state` is `standing`, `soon`, `over` or `all`, not `{}`",
        "`state` 应为 `standing`、`soon`、`over` 或 `all`，不能是“{}”",
    ),
    (
        "the audit is for auditors and administrators",
        "只有审计员和管理员可以查看审计",
    ),
    (
        "the chains are read by auditors and administrators who see every area",
        "只有可看全部区域的审计员和管理员可以检验记录链",
    ),
    (
        "another chain is being read; try again in a moment",
        "另一次检验正在进行，请稍后再试",
    ),
    (
        "`heads` are not signed heads as a parent hub or a webhook got them: {}",
        "`heads` 不是上级平台或 Webhook 收到的签名链头：{}",
    ),
    (
        "the chain ends before entry {} now; begin anew from its first entry",
        "记录链现在止于第 {} 条之前；请从第一条重新检验",
    ),
    // The directory.
    (
        "send `If-Match` with the ETag of what you have read, or `*` to change whatever there is",
        "请用 `If-Match` 带上所读内容的 ETag；不论现有内容都要更改时用 `*`",
    ),
    (
        "`If-Match: {}` is not an ETag of the directory, such as \"12\"",
        "`If-Match: {}` 不是目录的 ETag，正确的例如 \"12\"",
    ),
    (
        "the directory has changed and is version {} now; read it again and do your change anew",
        "目录已被更改，现为第 {} 版；请重新读取后再改",
    ),
    (
        "others change the directory all the time; try again",
        "其他人正在不断更改目录，请重试",
    ),
    ("other imports are under way", "其他导入正在进行"),
    (
        "nothing was stored: {} problem(s), and {} more in `findings`",
        "没有保存：`findings` 列出 {} 个错误，另有 {} 条未列出",
    ),
    (
        "nothing was stored: {} problem(s){} in `findings`",
        "没有保存：`findings` 列出 {} 个错误{}",
    ),
    (
        "send `Content-Type: application/json` or `text/csv`",
        "请带 `Content-Type: application/json` 或 `text/csv`",
    ),
    ("the body is not a table: {}", "正文不是表格：{}"),
    ("the row: {}", "该行有误：{}"),
    ("there is no row `{}`", "没有“{}”这一行"),
    (
        "the address names `{}` and the row `{}`; a key cannot be changed, add another row instead",
        "地址中是“{}”，行中是“{}”；编码不能更改，请另加一行",
    ),
    // Users.
    (
        "there is no user `{}` in your area",
        "您的区域内没有用户“{}”",
    ),
    (
        "the name `{}` is taken; choose another one",
        "名称“{}”已被占用，请换一个",
    ),
    (
        "`{}` has changed and is version {} now; read it again",
        "“{}”已被更改，现为第 {} 版；请重新读取",
    ),
    (
        "nobody would be left who manages the whole tree; make another administrator without an area first",
        "这样将无人管理全部区域；请先设立另一名不限区域的管理员",
    ),
    ("the present password is wrong", "当前密码错误"),
    // Duty.
    (
        "`console` is 1 to 64 letters, digits and `-`",
        "`console` 应为 1 到 64 个字母、数字或 `-`",
    ),
    (
        "`note` has at most {} letters and no control characters",
        "`note` 最多 {} 个字，不得含控制字符",
    ),
    (
        "you are not on duty at the desk of `{}` now or within half an hour; the roster says who is",
        "您现在及半小时内都不在“{}”值班；值班人员见值班表",
    ),
    // Evidence.
    ("an auditor brings no evidence", "审计员不能上传证据"),
    (
        "all files of evidence together may have {} MiB (`evidence.total_mib_max`), which are used up; an administrator can raise it",
        "全部证据文件的总量上限 {} MiB（`evidence.total_mib_max`）已用完；管理员可以调高",
    ),
    (
        "case {} has {} files, which is the most",
        "事件 {} 已有 {} 个文件，达到上限",
    ),
    (
        "the last part of the address is a SHA-256: 64 hexadecimal digits",
        "地址的最后一段应为 SHA-256，即 64 位十六进制数",
    ),
    ("the file has more than {} bytes", "文件超过 {} 字节"),
    (
        "the file is no JPEG, PNG, WebP, PDF or UTF-8 text; its own bytes decide, not its name or Content-Type",
        "文件不是 JPEG、PNG、WebP、PDF 或 UTF-8 文本；以文件内容为准，不看文件名和 Content-Type",
    ),
    (
        "the bytes have the SHA-256 {}, not the one in the address: the file was changed or cut on its way",
        "文件的 SHA-256 是 {}，与地址中的不符：文件在传输中被改动或截断",
    ),
    ("the body was cut: {}", "正文传输中断：{}"),
    (
        "the file could not be stored; try again",
        "文件未能保存，请重试",
    ),
    ("the file did not come within {} s", "文件未在 {} 秒内传完"),
    (
        "too many files are coming in; send this one again",
        "正在上传的文件过多，请重新发送此文件",
    ),
    (
        "no file with this hash was brought to this case",
        "此事件没有上传过该校验值的文件",
    ),
    (
        "the file was brought but is not whole on the disk; an administrator can bring it back from a backup",
        "文件上传过，但磁盘上已不完整；管理员可以从备份恢复",
    ),
    (
        "this file was let go when its time was over; it does not come back",
        "此文件已到期删除，不能再次上传",
    ),
    (
        "this file was let go when its time was over; its hash stays in the history",
        "此文件已到期删除，校验值仍保留在历史中",
    ),
    (
        "this is masked; say why you have to see it with `POST /api/v1/cases/{}/reveals` and `\"what\": \"{}\"`",
        "内容已遮盖；请用 `POST /api/v1/cases/{}/reveals` 和 `\"what\": \"{}\"` 说明查看理由",
    ),
    (
        "`reason` says in 1 to {} bytes why it has to be seen",
        "`reason` 应以 1 到 {} 字节说明为何要查看",
    ),
    // Silences and splitting.
    ("there is no silence {}", "没有编号为 {} 的静默"),
    ("the silence ended at {}", "静默已于 {} 结束"),
    (
        "the silence has changed since version {}; it is at version {}",
        "静默自第 {} 版以来已被更改，现为第 {} 版",
    ),
    (
        "the role {} may not silence alarms; ask the shift leader",
        "角色 {} 不能静默报警，请找值班长",
    ),
    ("the role {} may not split a case", "角色 {} 不能拆分事件"),
    (
        "splitting a case needs a reason of 1 to {} bytes",
        "拆分事件需要 1 到 {} 字节的理由",
    ),
    (
        "at most {} alerts are taken out at once",
        "一次最多拆出 {} 条报警",
    ),
    (
        "the case has changed since version {}; it is at version {}",
        "事件自第 {} 版以来已被更改，现为第 {} 版",
    ),
    (
        "the case has ended; only an open case is split",
        "事件已办结，只能拆分未结事件",
    ),
    ("name the alerts to take out", "请指明要拆出的报警"),
    (
        "not every one of these alerts is in the case",
        "这些报警并非都在此事件中",
    ),
    (
        "at least one alert must stay in the case",
        "事件中至少要留下一条报警",
    ),
    // Reports of people, and other systems.
    (
        "an auditor sees everything and reports nothing",
        "审计员只能查看，不能上报",
    ),
    (
        "the case is `{}`: report the matter as a new one",
        "事件处于“{}”状态：请另行上报",
    ),
    (
        "the case is `{}`: there is no result to rate yet",
        "事件处于“{}”状态：还没有可评价的结果",
    ),
    ("there is no report {} of case {}", "没有报告 {}（事件 {}）"),
    (
        "the reporter left nothing, or it was deleted after its time",
        "报告人没有留下信息，或信息已到期删除",
    ),
    ("this door is shut", "此接入口未开放"),
    (
        "the bearer token is missing, unknown or revoked; `hub outside key add` makes one",
        "令牌缺失、未知或已吊销；可用 `hub outside key add` 生成",
    ),
    (
        "this key has sent too much; send it again later",
        "此密钥发送过于频繁，请稍后重发",
    ),
    // Child hubs.
    ("there is no child hub `{}`", "没有下级平台“{}”"),
    (
        "the key of the child hub is missing, unknown or revoked; `hub child add` makes one",
        "下级平台的密钥缺失、未知或已吊销；可用 `hub child add` 生成",
    ),
    (
        "the key is that of the hub `{}`, the body says `{}`",
        "密钥属于平台“{}”，正文写的是“{}”",
    ),
    (
        "the hub `{}` is no longer a child of this one",
        "平台“{}”已不是本平台的下级",
    ),
    (
        "`{}` has {} entries, at most {} are taken at once",
        "`{}` 有 {} 项，一次最多接收 {} 项",
    ),
    (
        "{} commands wait for the hub `{}` already",
        "已有 {} 条指令在等待平台“{}”执行",
    ),
    (
        "`card` is `none`, `yellow` or `red`, not `{}`",
        "`card` 应为 `none`、`yellow` 或 `red`，不能是“{}”",
    ),
    ("`reason` has 1 to {} bytes", "`reason` 应为 1 到 {} 字节"),
    (
        "only the called unit answers a call",
        "只有被呼叫的部门可以应答",
    ),
    (
        "signed heads are for administrators and auditors who see every area",
        "只有可看全部区域的管理员和审计员可以查看签名的链头",
    ),
    (
        "the role {} may not ask a child hub for this",
        "角色 {} 不能向下级平台提出此要求",
    ),
    (
        "the role {} may not see who reported a matter",
        "角色 {} 不能查看报告人",
    ),
    (
        "the role {} may not write down a rating",
        "角色 {} 不能登记评价",
    ),
    ("the role {} may not {}", "角色 {} 无权这样做（{}）"),
    // Bodies and addresses that could not be read.
    (
        "Failed to parse the request body as JSON: {}",
        "请求正文不是有效的 JSON：{}",
    ),
    (
        "Failed to deserialize the JSON body into the target type: {}",
        "请求正文的内容不符合要求：{}",
    ),
    (
        "Expected request with `Content-Type: application/json`",
        "请求须带 `Content-Type: application/json`",
    ),
    (
        "Failed to buffer the request body: length limit exceeded",
        "请求正文超过允许的长度",
    ),
    (
        "Failed to buffer the request body: {}",
        "请求正文未能读完：{}",
    ),
    (
        "Failed to deserialize query string: {}",
        "地址中的参数有误：{}",
    ),
    ("Invalid URL: {}", "地址有误：{}"),
    // Fits much, so it comes last.
    ("`{}`: {}", "`{}`：{}"),
];

/// Title of a problem type. A type without a title is shown with spaces.
#[must_use]
pub fn title(kind: &str, language: Language) -> String {
    let known = TITLES.iter().find(|(known, ..)| *known == kind);
    match (known, language) {
        (Some((_, _, zh)), Language::Chinese) => (*zh).to_owned(),
        (Some((_, en, _)), Language::English) => (*en).to_owned(),
        (None, _) => kind.replace('-', " "),
    }
}

/// An English sentence in Chinese, if it is known; of several lines each by itself, if all are.
#[must_use]
pub fn chinese(english: &str) -> Option<String> {
    if english.contains('\n') {
        let lines: Option<Vec<String>> = english.lines().map(chinese).collect();
        return Some(lines?.join("\n"));
    }
    let mut sentences = rosters::SENTENCES.iter().chain(SENTENCES);
    sentences.find_map(|(pattern, zh)| {
        let mut found: Vec<String> = arguments(pattern, english)?
            .into_iter()
            .map(str::to_owned)
            .collect();
        // What comes after a colon may be a sentence of its own.
        if pattern.ends_with(": {}")
            && let Some(last) = found.last_mut()
            && let Some(known) = chinese(last)
        {
            *last = known;
        }
        Some(fill(zh, &found))
    })
}

/// What stands at each `{}` of a pattern, if the sentence is made by it.
fn arguments<'a>(pattern: &str, sentence: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = pattern.split("{}");
    let mut rest = sentence.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        // The last part is the end of the sentence, whatever the argument holds.
        let at = match (parts.peek(), part) {
            (None, _) => rest
                .len()
                .checked_sub(part.len())
                .filter(|_| rest.ends_with(part))?,
            (Some(_), _) => rest.find(part)?,
        };
        found.push(&rest[..at]);
        rest = &rest[at + part.len()..];
    }
    rest.is_empty().then_some(found)
}

fn fill(pattern: &str, arguments: &[String]) -> String {
    let mut parts = pattern.split("{}");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (part, argument) in parts.zip(arguments) {
        text.push_str(argument);
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests;
