/** A roster for an area that has none. */
import { useSignal } from "@preact/signals";
import type { Desk } from "../../../data/desks";
import { loadAreas } from "../../../data/report";
import { keepRosterDraft, rosterDrafts } from "../../../data/roster-drafts";
import type { Area } from "../../../data/types";
import { said, t } from "../../../i18n";
import { inTree } from "../../../logic/areas";
import { emptyRoster } from "../../../logic/roster-draft";
import { Shown, useAsked } from "../../../parts/asked";
import { Choice } from "../../../parts/choice";
import { Said } from "../../../parts/said";
import { RosterEditor } from "./editor";

function Choose({ taken, done }: { taken: ReadonlySet<string>; done: () => void }) {
  const words = t.value.admin.roster;
  const asked = useAsked(loadAreas);
  const area = useSignal("");
  return (
    <Shown asked={asked}>
      {(areas) => {
        const free = inTree(areas).filter(([each]) => !taken.has(each.code));
        if (free.length === 0) return <p class="panel-hint">{words.everyAreaHas}</p>;
        const name = ([each, depth]: [Area, number]) =>
          [each.code, `${"　".repeat(depth)}${said(each.name)} ${each.code}`] as const;
        return (
          <form
            class="panel roster-make"
            onSubmit={(event) => {
              event.preventDefault();
              if (area.value === "") return;
              const roster = emptyRoster(area.value);
              keepRosterDraft({ version: 0, before: roster, roster });
              done();
            }}
          >
            <Choice
              label={words.area}
              name="roster-area"
              value={area.value}
              choices={[["", t.value.case.choose] as const, ...free.map(name)]}
              choose={(value) => {
                area.value = value;
              }}
            />
            <button type="submit" class="button button-primary" disabled={area.value === ""}>
              {words.make}
            </button>
            <button type="button" class="button" onClick={done}>
              {t.value.cancel}
            </button>
          </form>
        );
      }}
    </Shown>
  );
}

function NewCard({ area, done }: { area: string; done: () => void }) {
  const words = t.value.admin.roster;
  const areas = useAsked(loadAreas).value.value ?? [];
  const name = said(areas.find((each) => each.code === area)?.name) || area;
  const draft = rosterDrafts.value.get(area);
  if (draft === undefined) return null;
  return (
    <li class="panel roster-wide">
      <h3>
        <Said>{words.makeOf(name)}</Said> <span class="number">{area}</span>
      </h3>
      <RosterEditor draft={draft} done={done} />
    </li>
  );
}

/** The button that begins one, and those that were begun and not saved. */
export function MakeRoster({ desks, changed }: { desks: readonly Desk[]; changed: () => void }) {
  const words = t.value.admin.roster;
  const choosing = useSignal(false);
  const there = new Set(desks.map((desk) => desk.area));
  const begun = [...rosterDrafts.value.keys()].filter((area) => !there.has(area));
  return (
    <>
      <button
        type="button"
        class="button button-small roster-make-button"
        aria-expanded={choosing.value}
        onClick={() => {
          choosing.value = !choosing.value;
        }}
      >
        {words.make}
      </button>
      {choosing.value && (
        <Choose
          taken={new Set([...there, ...begun])}
          done={() => {
            choosing.value = false;
          }}
        />
      )}
      {begun.length > 0 && (
        <ul class="admin-cards">
          {begun.map((area) => (
            <NewCard key={area} area={area} done={changed} />
          ))}
        </ul>
      )}
    </>
  );
}
