//! Problems in Chinese, by their English sentence, as message catalogues do: `{}` stands for whatever the
//! sentence was made with.
//!
//! A sentence that stands nowhere here is shown in English. The test below reads the hub's own source and
//! names every sentence that is missing. Where several lines fit, the first one counts.

use super::language::Language;

/// Titles of problem types: type, English, Chinese.
const TITLES: &[(&str, &str, &str)] = &[
    ("body-too-large", "Body too large", "正文过大"),
    ("busy", "Busy, come again later", "繁忙，请稍后再试"),
    ("cross-site", "Request of another site", "跨站请求"),
    ("gateway-needed", "Gateway needed", "需要指明网关"),
    ("incomplete", "Something is missing", "内容不完整"),
    ("internal-error", "Error in the hub", "系统内部错误"),
    ("invalid-request", "Invalid request", "请求有误"),
    ("json-needed", "JSON needed", "需要 JSON"),
    (
        "key-reused",
        "Idempotency key used before",
        "幂等键已被使用",
    ),
    ("malformed-body", "Malformed body", "正文格式有误"),
    ("method-not-allowed", "Method not allowed", "不支持此方法"),
    ("not-allowed", "Not allowed", "无权操作"),
    ("not-found", "Not found", "未找到"),
    ("not-signed-in", "Not signed in", "未登录"),
    (
        "other-gateway",
        "Key of another gateway",
        "密钥属于其他网关",
    ),
    ("reason-needed", "Reason needed", "需要填写理由"),
    (
        "second-person-needed",
        "Second person needed",
        "需要第二人确认",
    ),
    ("too-many-attempts", "Too many attempts", "尝试次数过多"),
    ("too-many-requests", "Too many requests", "请求过于频繁"),
    ("unsupported-version", "Unsupported version", "不支持的版本"),
    (
        "version-conflict",
        "Changed in the meantime",
        "内容已被他人更改",
    ),
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
    ("there is no case {}", "没有编号为 {} 的事件"),
    ("there is no gateway `{}`", "没有网关“{}”"),
    ("`{}` is no time: {}", "`{}` 不是有效的时间：{}"),
    ("there is no channel `{}`", "没有通知渠道“{}”"),
    ("another test is under way", "另一次测试正在进行"),
    ("there is no such notification", "没有这条通知"),
    ("there is no user `{}`", "没有用户“{}”"),
    ("there is no site `{}`", "没有场所“{}”"),
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

/// An English sentence in Chinese, if it is known.
#[must_use]
pub fn chinese(english: &str) -> Option<String> {
    SENTENCES
        .iter()
        .find_map(|(pattern, zh)| Some(fill(zh, &arguments(pattern, english)?)))
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

fn fill(pattern: &str, arguments: &[&str]) -> String {
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
