/** Silences and maintenance windows: what is hidden now, why, until when; made and ended by shift leaders. */
import { endSilence, readSilences } from "../../data/admin";
import { now as hubTime } from "../../data/clock";
import { session } from "../../data/session";
import { at, t } from "../../i18n";
import type { Weekday } from "../../logic/roster";
import { Failure, Shown, useAsked, useDoing } from "../../parts/asked";
import { Said } from "../../parts/said";
import { MatcherWords, SilenceNames, useNames } from "../../parts/silence-names";
import { SilenceMaker } from "./silence/maker";

const MAY = ["shift_leader", "supervisor", "leader", "administrator"];

export function SilenceSection() {
  const words = t.value.admin.silence;
  const asked = useAsked(readSilences);
  const { busy, error, run } = useDoing();
  const role = session.value.is === "signed-in" ? session.value.session.role : "";
  const may = MAY.includes(role);
  const now = hubTime.value;
  const names = useNames(asked.value.value?.items ?? [], true);
  return (
    <SilenceNames.Provider value={names}>
      <Failure error={error.value} />
      <Shown asked={asked}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="list-empty">{words.none}</p>
          ) : (
            <ul class="admin-cards">
              {items.map((each) => (
                <li key={each.id} class="panel">
                  <h3>
                    <Said>{each.why}</Said>{" "}
                    <span class={each.ends_soon ? "tag tag-warning" : "tag"}>
                      {each.ends_soon ? words.soon : (words.state[each.state] ?? each.state)}
                    </span>
                  </h3>
                  <MatcherWords of={each.matcher} />
                  <p>
                    {at(each.from, now)} – {at(each.until, now)} · <Said>{each.by_name}</Said> ·{" "}
                    {words.hides(each.hides)}
                  </p>
                  {each.weekly.map((hours) => (
                    <p key={`${hours.day} ${hours.from}`} class="panel-hint">
                      {words.day[hours.day as Weekday] ?? hours.day} {hours.from}–{hours.until}
                    </p>
                  ))}
                  {may && (
                    <button
                      type="button"
                      class="button button-small"
                      disabled={busy.value}
                      onClick={() =>
                        run(async () => {
                          await endSilence(each.id, each.version);
                          await asked.again();
                        })
                      }
                    >
                      {words.end}
                    </button>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
      {may && <SilenceMaker done={() => void asked.again()} />}
    </SilenceNames.Provider>
  );
}
