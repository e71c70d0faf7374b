"""The model card, with every number taken from the folds."""

import numpy as np

import evaluate
from data import FIRES, Data
from dataset import CAUSES, Fitted
from evaluate import SENSORS, Folds

HEAD = """\
# env-fuser, build 1: a small additive model of one room

Written by `models/train/train.py`; do not edit. Input: the 48 features of the agent's feature engine
(`edge-agent/anomaly/src/features.rs`). Output: a score from 0 to 1 and what each channel added to
it; `score = 1 / (1 + exp(-(bias + sum of contributions)))`, so the explanation is exact. The score
is not a probability.

## What it may be used for
**Advisory only.** It runs beside the rules and may raise or add an alert. It never mutes, delays or
lowers a rule, and it is not a listed detector. More smoke, carbon monoxide or heat can never lower
its score (the weights are constrained so).

## What it cannot claim
- **Nothing about fewer false fire alarms in the field**: there is no recording of a nuisance
  (cooking, steam, dust) among the data. The nuisances below are SYNTHETIC.
- Five fast-growing fires of one house, 200 to 240 s each, with at most 20 s before
  anything reaches a sensor. SDC33 and SDC35 are near repeats. Places of one fire are not
  independent. No slow, smouldering fire.
- No fire-free recording of a smoke meter or carbon monoxide cell: their quiet signal is RESAMPLED
  from the first 20 s of the NIST tests. Drift, insects, dirt and ageing are not in it.
- Fires are laid onto the temperature, humidity and CO2 of other rooms. Humidity does not react.
- Carbon monoxide rose at 3 of 30 places within the recordings; its unit (ppm) is assumed. VOC has
  no recording at all and contributes 0.
- The smoke channel is the optical density of NIST's smoke meters 20 mm below the ceiling
  (their unit 1/m, here 100·(1 − 10^−D) %/m), not the signal of a cheap sensor. NIST warns that
  heat makes the meters drift.

## How it was tested
Every number below comes from a model that had seen neither the fire nor the site it is tested on,
with levels set without them: 5 fires × 3 sites = 15 trainings. Compared with
- **rules**: smoke ≥ 12.5 %/m (4 %/ft, the least sensitive point UL 217 allows), temperature ≥ 58 °C,
  or ≥ 8 °C within 60 s;
- **statistics**: the same engine without the model, the largest `level_z` of smoke, CO and
  temperature over a threshold set like the model's warning.
"""


def text(data: Data, final: Fitted, folds: Folds) -> str:
    """The whole card."""
    parts = [HEAD, *_fires(folds), *_quiet(folds), *_nuisances(folds), *_verdict(folds)]
    parts += _training(data, final)
    return "\n".join(parts) + "\n"


def manifest_evaluation(folds: Folds) -> list[str]:
    """The main numbers, for the manifest."""
    lines = [
        "# Held out: neither the fire nor the site was seen in training. Details: README.md.",
        "[evaluation]",
        "fires = 5",
        "places = 30",
    ]
    for sensors in SENSORS:
        key = sensors.replace("+", "_")
        low, high = evaluate.lead_interval(folds, sensors, "rules + warning")
        lead = np.median(evaluate.leads(folds, sensors, "rules + warning"))
        lines += [
            f"{key}_seconds_earlier_median = {lead:.1f}",
            f"{key}_seconds_earlier_interval = [{low:.1f}, {high:.1f}]",
            f"{key}_places_rules = {_found(folds, sensors, 'rules')}",
            f"{key}_places_rules_and_warning = {_found(folds, sensors, 'rules + warning')}",
            f"{key}_warnings_per_sensor_day = {_rate(folds, sensors, 'warning')[0]:.4f}",
        ]
    return lines


def _found(folds: Folds, sensors: str, method: str) -> int:
    return sum(np.isfinite(t) for t in evaluate.per_place(folds, sensors, method).values())


def _fires(folds: Folds) -> list[str]:
    lines = [
        "## Fires: found within the recording, and how much earlier than the rules",
        "Time from ignition at 5 s sampling. A place counts as found when at least half of its scenes",
        "(6: 3 sites × 2 start times) are. Interval of the share: Clopper-Pearson over the 30 places;",
        "interval of the seconds: the 5 fires drawn anew. `early` are starts in the quiet 110 min before.",
        "",
        "| sensors | method | found of 30 | 95 % | median s to detect | s earlier than rules, median | 95 % | early |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for sensors in SENSORS:
        for method in evaluate.METHODS:
            places = evaluate.per_place(folds, sensors, method)
            found = _found(folds, sensors, method)
            low, high = evaluate.clopper_pearson(found, len(places))
            times = np.sort(list(places.values()))
            middle = times[(len(times) - 1) // 2]
            lead = evaluate.leads(folds, sensors, method)
            if method == "rules":
                earlier = "– | –"
            else:
                a, b = evaluate.lead_interval(folds, sensors, method)
                earlier = f"{np.median(lead):.0f} | {a:.0f} to {b:.0f}"
            lines.append(
                f"| {sensors} | {method} | {found} | {low:.2f}–{high:.2f} | {middle:.0f} "
                f"| {earlier} | {folds.early[sensors, method]} |"
            )
    lines += [
        "",
        "Per place with smoke+temperature, median seconds from ignition, rules / statistics / warning:",
        "",
        "| fire | A | B | C | D | E | F |",
        "|---|---|---|---|---|---|---|",
    ]
    tables = [
        evaluate.per_place(folds, "smoke+temperature", m) for m in ("rules", "statistics", "warning")
    ]
    for fire in FIRES:
        cells = [
            " / ".join("–" if np.isinf(t[f"{fire}-{p}"]) else f"{t[f'{fire}-{p}']:.0f}" for t in tables)
            for p in "ABCDEF"
        ]
        lines.append(f"| {fire} | {' | '.join(cells)} |")
    return lines + [""]


def _rate(folds: Folds, sensors: str, method: str) -> tuple[float, float, float, float]:
    """Starts per sensor-day over all sites, its upper bound, mean starts, days."""
    starts = days = 0.0
    for (site, of, name), counts in folds.quiet.items():
        if (of, name) == (sensors, method):
            starts += float(np.mean(counts))
            days += folds.days[site, of]
    return starts / days, evaluate.rate_upper(starts, days), starts, days


def _quiet(folds: Folds) -> list[str]:
    lines = [
        "## Fire-free recordings: false starts",
        "Temperature, humidity and CO2 as recorded (one reading a minute); smoke and CO RESAMPLED.",
        "Starts are the mean of the five models of a site; what begins within 10 min is one start.",
        "",
        "| sensors | method | starts | room-days | per room-day | 95 % upper bound |",
        "|---|---|---|---|---|---|",
    ]
    for sensors in SENSORS:
        for method in evaluate.METHODS:
            rate, upper, starts, days = _rate(folds, sensors, method)
            lines.append(
                f"| {sensors} | {method} | {starts:.1f} | {days:.1f} | {rate:.3f} | {upper:.3f} |"
            )
    return lines + [
        "",
        "The rate that BS 5839-1 calls normal (1 per 50 detectors and year) is some thousand times",
        "below what so few days can show.",
        "",
    ]


def _nuisances(folds: Folds) -> list[str]:
    lines = [
        "## SYNTHETIC nuisances: share of scenes with an alarm",
        "Parametric templates (`scenes.py`) on real backgrounds of a site not seen in training. The model",
        "is trained on such templates too, so this shows at best that it tells the templates apart.",
        "",
        "| cause (SYNTHETIC) | rules | statistics | warning | alarm | warning of a model trained without templates |",
        "|---|---|---|---|---|---|",
    ]
    for cause in CAUSES:
        share = {m: folds.nuisance[cause, m] for m in evaluate.METHODS}
        cells = [f"{share[m][0] / share[m][1]:.2f}" for m in ("rules", "statistics", "warning", "alarm")]
        hits, of = folds.nuisance_untrained[cause, "warning"]
        lines.append(f"| {cause} | {' | '.join(cells)} | {hits / of:.2f} |")
    return lines + [""]


def _verdict(folds: Folds) -> list[str]:
    sensors = "smoke+temperature"

    def line(name: str, method: str) -> str:
        lead = evaluate.leads(folds, sensors, method)
        earlier = "–" if method == "rules" else f"{np.median(lead):.0f} s"
        hits = sum(folds.nuisance[c, method][0] for c in CAUSES)
        of = sum(folds.nuisance[c, method][1] for c in CAUSES)
        return f"| {name} | {earlier} | {_rate(folds, sensors, method)[2]:.1f} | {hits / of:.0%} |"

    return [
        "## In one table (smoke+temperature, held out)",
        "| method | earlier than the rules, median | false starts on 62 fire-free room-days | alarms on SYNTHETIC nuisances |",
        "|---|---|---|---|",
        line("rules", "rules"),
        line("statistics", "statistics"),
        line("model, warning", "warning"),
        line("model, alarm", "alarm"),
        "",
        "Beside the rules the model buys seconds. What it costs in nuisance alarms only real nuisance",
        "recordings can tell; on the templates it warns more often than the rules do, and one trained",
        "without templates warns on most of them. That is why it is advisory.",
        "",
    ]


def _training(data: Data, final: Fitted) -> list[str]:
    hours = sum(b.hours for b in data.backgrounds)
    names = ["notice", "warning", "alarm"]
    levels = ", ".join(f"{n} {v}" for n, v in zip(names, (final.notice, final.warning, final.alarm)))
    rows = ", ".join(f"{count:,} {sort}" for sort, count in final.rows.items())
    return [
        "## Training of the shipped model",
        f"All five fires and all {hours:,.0f} fire-free room-hours; rows: {rows} (nuisance: SYNTHETIC).",
        f"Levels: {levels}. Notice is one start per room-day on the fire-free training recordings,",
        "warning is above all of them, alarm is 1.5 higher in the logit. Data, licences, hashes:",
        "`models/README.md` and `manifest.toml`. Reproduce: `train.py --check`.",
    ]
