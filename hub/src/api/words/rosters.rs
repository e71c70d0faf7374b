//! What may be wrong with a roster, or with asking for one, in Chinese.

/// English and Chinese; see [`super::chinese`].
pub(super) const SENTENCES: &[(&str, &str)] = &[
    ("there is no roster of the area `{}`", "区域“{}”没有值班表"),
    (
        "the roster is for `{}`, the address for `{}`",
        "值班表属于“{}”，地址中是“{}”",
    ),
    (
        "rosters are changed by shift leaders of the area and by administrators",
        "只有本区域的值班长和管理员可以更改值班表",
    ),
    ("{} shifts are more than {}", "{} 个班次，最多 {} 个"),
    ("{} substitutions are more than {}", "{} 条替班，最多 {} 条"),
    ("{} absences are more than {}", "{} 条缺勤，最多 {} 条"),
    (
        "`{}` is not a sign-in name: 1 to 64 letters, digits, `-`, `_`, `.` or `@`",
        "“{}”不是登录名：须为 1 至 64 个字母、数字、“-”“_”“.”或“@”",
    ),
    ("two shifts are named `{}`", "有两个班次都叫“{}”"),
    (
        "a `note` is longer than {} letters or has control characters",
        "备注超过 {} 个字，或含有控制字符",
    ),
    (
        "its name must be 1 to {} letters without control characters",
        "名称须为 1 至 {} 个字，不含控制字符",
    ),
    (
        "turn_days = {} is not between 1 and {}",
        "每轮 {} 天，须在 1 至 {} 之间",
    ),
    (
        "it has {} crews; 1 to {} are possible",
        "有 {} 个班组，须为 1 至 {} 个",
    ),
    (
        "crew {} has {} officers; 1 to {} are possible",
        "第 {} 班组有 {} 名值班员，须为 1 至 {} 名",
    ),
    ("crew {} names an officer twice", "第 {} 班组里有值班员重复"),
    (
        "shifts `{}` ({}-{}) and `{}` ({}-{}) are worked at the same time on some days",
        "班次“{}”（{}–{}）与“{}”（{}–{}）有些日子时间重叠",
    ),
    ("nobody is their own substitute", "不能替自己的班"),
    ("it ends before it begins", "结束早于开始"),
    (
        "it is longer than a year; change the crews instead",
        "超过一年；请直接修改班组",
    ),
    ("`{}` is named for the same time", "同一时间还写了“{}”"),
    ("`{}` is substituted in that time", "“{}”在此期间由别人替班"),
    ("`{}` is absent in that time", "“{}”在此期间缺勤"),
    (
        "`{}` is on duty in the same shift (`{}`): a place would stay empty",
        "“{}”本来就在同一班次（“{}”）值班：会空出一个位置",
    ),
    (
        "absences of `{}` from {} and from {} overlap",
        "“{}”自 {} 与自 {} 的缺勤重叠",
    ),
    ("`{}` is not the code of an area", "“{}”不是区域编号"),
    ("there is no active user `{}`", "没有可用的用户“{}”"),
    ("and {} more", "另有 {} 条"),
    ("shift `{}`: {}", "班次“{}”：{}"),
    (
        "substitution of `{}` by `{}` from {}: {}",
        "“{}”由“{}”替班（自 {}）：{}",
    ),
    ("absence of `{}` from {}: {}", "“{}”的缺勤（自 {}）：{}"),
];
