/** The filter of the list: by severity and by site. It lives in the address and never touches P1. */
import { computed } from "@preact/signals";
import { openCases } from "../data/cases";
import { sites } from "../data/sites";
import type { Severity } from "../data/types";
import { said, t } from "../i18n";
import type { Filter } from "../logic/order";
import { parameters, setParameters } from "../logic/route";
import { SeverityShape } from "./severity";

const FILTERABLE: readonly Severity[] = ["P2", "P3", "P4"];

/** The filter in the address. */
export function filterNow(): Filter {
  const given = (parameters.value.get("severity") ?? "").split(",");
  return {
    severities: new Set(FILTERABLE.filter((severity) => given.includes(severity))),
    site: parameters.value.get("site"),
  };
}

/** Every site that can be chosen, by what it is called; reckoned once for each change, not for each drawing. */
const siteNames = computed(() => {
  const found = new Map<string, string>();
  for (const site of sites.value.values()) found.set(site.id, said(site.name));
  for (const { site } of openCases.value.values())
    if (!found.has(site.id)) found.set(site.id, said(site.name));
  return found;
});

function siteOptions(chosen: string | null): { id: string; name: string }[] {
  const found = new Map(siteNames.value);
  if (chosen !== null && !found.has(chosen)) found.set(chosen, chosen);
  return [...found]
    .map(([id, name]) => ({ id, name: name || id }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

export function FilterBar() {
  const words = t.value.board;
  const filter = filterNow();
  const toggle = (severity: Severity) => {
    const next = new Set(filter.severities);
    if (!next.delete(severity)) next.add(severity);
    setParameters({ severity: next.size === FILTERABLE.length ? null : [...next].sort().join(",") });
  };
  const set = filter.severities.size > 0 || filter.site !== null;
  return (
    <div class="filter">
      <fieldset class="filter-severities">
        <legend class="visually-hidden">{words.filterSeverity}</legend>
        {FILTERABLE.map((severity) => (
          <button
            type="button"
            key={severity}
            class="chip"
            aria-pressed={filter.severities.has(severity)}
            onClick={() => toggle(severity)}
          >
            <SeverityShape severity={severity} />
            {t.value.severity[severity]}
          </button>
        ))}
      </fieldset>
      <label class="filter-site">
        <span class="visually-hidden">{words.filterSite}</span>
        <select
          value={filter.site ?? ""}
          onChange={(event) => setParameters({ site: event.currentTarget.value || null })}
        >
          <option value="">{words.allSites}</option>
          {siteOptions(filter.site).map((site) => (
            <option key={site.id} value={site.id}>
              {site.name}
            </option>
          ))}
        </select>
      </label>
      {set && (
        <button
          type="button"
          class="button button-small"
          onClick={() => setParameters({ severity: null, site: null })}
        >
          {words.clearFilter}
        </button>
      )}
    </div>
  );
}
