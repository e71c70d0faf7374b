//! What the tags of routes stand for.

/// Every tag with its sentence.
pub(super) const TAGS: &[(&str, &str)] = &[
    ("areas", "The area tree, sites and what stands in them."),
    (
        "audit",
        "Who did what, chained so that nothing can be changed unseen.",
    ),
    ("cases", "Cases, their clocks, and what people do to them."),
    (
        "catalogue",
        "Categories, their limits, and the calendar that limits go by.",
    ),
    ("child hub", "What child hubs send; not for officers."),
    (
        "child hubs",
        "Hubs of districts below this one, and their cases.",
    ),
    (
        "directory",
        "Keeping areas, sites, units and duties; import and export.",
    ),
    ("duty", "Who is on duty, when, and what was handed over."),
    ("events", "The live feed."),
    ("evidence", "Files of cases, and who has looked at them."),
    (
        "floods",
        "Times with more alarms than an officer can handle.",
    ),
    ("gateway", "What gateways send; not for officers."),
    (
        "gateways",
        "Gateways as officers see them, their devices, what nobody understood, walk tests.",
    ),
    (
        "intake",
        "What other alarm systems send, in their own shape.",
    ),
    (
        "notifications",
        "Receipts and dead letters of notifications.",
    ),
    (
        "open311",
        "Reports of citizens and hotlines, Open311 GeoReport v2.",
    ),
    ("parent hub", "The hub above this one, and the link to it."),
    ("readings", "Readings of devices, for charts."),
    (
        "reports",
        "Figures per unit, area and month, and reports that people made.",
    ),
    ("session", "Signing in and out."),
    (
        "silences",
        "What is silenced, until when; never life safety.",
    ),
    ("statistics", "Figures of an officer's hour and of the day."),
    ("system", "The hub itself."),
    ("users", "Who may sign in."),
];
