/** Silences and maintenance windows that are about a site, on the page of its gateway. */
import { readSilences, type Silence } from "../data/admin";
import { now as hubTime } from "../data/clock";
import { at, t } from "../i18n";
import { Shown, useAsked } from "./asked";
import { Link } from "./link";
import { Said } from "./said";
import { useNames } from "./silence-names";

/** Silences of a whole area are on the page of silences: which site lies in which area the hub decides. */
const about = (site: string) => (each: Silence) => each.matcher.site === site;
const over = (each: Silence) => each.state === "over" || each.state === "ended";

export function SiteSilences({ site }: { site: string }) {
  const words = t.value.admin.silence;
  const asked = useAsked(readSilences, site);
  const now = hubTime.value;
  const { nameOf } = useNames((asked.value.value?.items ?? []).filter(about(site)));
  return (
    <>
      <Shown asked={asked}>
        {({ items }) => {
          const here = items.filter(about(site)).filter((each) => !over(each));
          if (here.length === 0) return <p class="empty">{words.noneHere}</p>;
          return (
            <ul class="site-silences">
              {here.map((each) => (
                <li key={each.id}>
                  <span class={each.ends_soon ? "tag tag-warning" : "tag"}>
                    {each.ends_soon ? words.soon : (words.state[each.state] ?? each.state)}
                  </span>{" "}
                  <Said>{each.why}</Said>
                  {each.matcher.device && (
                    <>
                      {" · "}
                      <Said>
                        {nameOf("device", each.matcher.device, each.matcher) || each.matcher.device}
                      </Said>
                    </>
                  )}
                  {" · "}
                  {at(each.from, now)} – {at(each.until, now)} · <Said>{each.by_name}</Said> ·{" "}
                  {words.hides(each.hides)}
                </li>
              ))}
            </ul>
          );
        }}
      </Shown>
      <p>
        <Link to={`/admin/silences?site=${encodeURIComponent(site)}`}>{words.toAll}</Link>
      </p>
    </>
  );
}
