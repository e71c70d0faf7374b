/**
 * A matter that somebody sees: category, words, photo and place. It is kept first and sent when there is a
 * line, under one key, so that no report is lost and none opens two cases.
 */
import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { EVIDENCE_TYPES, sha256Of, unfit } from "../data/evidence";
import { OutboxFull } from "../data/outbox";
import { loadAreas, loadReportable, type Nearby, type Reported, reportable } from "../data/report";
import type { Area } from "../data/types";
import { addPhoto, addWork, afterReport, mine } from "../data/work";
import { position } from "../duty/position";
import { headline, said, t } from "../i18n";
import { bodyOf, type Draft, EMPTY, keepDraft, keptDraft } from "../logic/draft";
import { newKey } from "../logic/key";
import { Icon } from "../parts/icons";
import { Link } from "../parts/link";
import { LocalPicture } from "../parts/local-picture";
import { Said } from "../parts/said";

/** Enough to show a matter; more is a video's work. */
const PHOTOS_MAX = 6;

function lacking(draft: Draft): string | null {
  const words = t.value.report;
  if (draft.category === "") return words.needCategory;
  if (draft.description.trim() === "") return words.needDescription;
  if (draft.here === null && draft.grid === "") return words.needPlace;
  return null;
}

interface PartGiven {
  draft: Signal<Draft>;
}

function Where({ draft }: PartGiven) {
  const words = t.value.report;
  const areas = useSignal<Area[]>([]);
  const busy = useSignal(false);
  const failed = useSignal(false);
  useEffect(() => {
    loadAreas().then(
      (all) => {
        areas.value = all.filter((each) => each.level === "grid");
      },
      () => undefined,
    );
  }, [areas]);
  const locate = async () => {
    busy.value = true;
    const here = await position();
    busy.value = false;
    failed.value = here === null;
    draft.value = { ...draft.value, here };
  };
  const { here } = draft.value;
  const typed = (part: "building" | "floor" | "room") => (event: Event) => {
    draft.value = { ...draft.value, [part]: (event.currentTarget as HTMLInputElement).value };
  };
  return (
    <fieldset class="panel report-where">
      <legend>{words.where}</legend>
      <button
        type="button"
        class="button button-large button-wide"
        disabled={busy.value}
        onClick={() => void locate()}
      >
        <Icon name="place" />
        {busy.value ? t.value.phone.locating : words.usePosition}
      </button>
      {here !== null && (
        <p role="status">
          {words.position(here.lat.toFixed(5), here.lon.toFixed(5), here.accuracy_m)}{" "}
          <button
            type="button"
            class="button button-small"
            onClick={() => {
              draft.value = { ...draft.value, here: null };
            }}
          >
            {words.dropPosition}
          </button>
        </p>
      )}
      {failed.value && here === null && <p role="status">{words.noPosition}</p>}
      <label class="field">
        <span>{words.grid}</span>
        <select
          name="grid"
          value={draft.value.grid}
          onChange={(event) => {
            draft.value = { ...draft.value, grid: event.currentTarget.value };
          }}
        >
          <option value="">{words.gridNone}</option>
          {areas.value.map((area) => (
            <option key={area.code} value={area.code}>
              {said(area.name)}
            </option>
          ))}
        </select>
      </label>
      <fieldset class="report-place">
        <legend>{words.place}</legend>
        {(["building", "floor", "room"] as const).map((part) => (
          <label key={part} class="field">
            <span>{words[part]}</span>
            <input type="text" maxLength={40} value={draft.value[part]} onInput={typed(part)} />
          </label>
        ))}
      </fieldset>
    </fieldset>
  );
}

function Photos({ draft, fail }: PartGiven & { fail: (text: string | null) => void }) {
  const words = t.value.report;
  const add = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    const file = input.files?.[0];
    input.value = "";
    if (file === undefined) return;
    const wrong = unfit(file);
    fail(wrong === null ? null : t.value.evidence.unfit[wrong]);
    if (wrong === null) draft.value = { ...draft.value, photos: [...draft.value.photos, file] };
  };
  return (
    <fieldset class="panel">
      <legend>{words.photos}</legend>
      <ul class="report-photos">
        {draft.value.photos.map((file, index) => (
          <li key={`${file.name}${file.lastModified}${index}`}>
            <LocalPicture file={file} />
            <button
              type="button"
              class="button button-small"
              onClick={() => {
                draft.value = { ...draft.value, photos: draft.value.photos.filter((each) => each !== file) };
              }}
            >
              {words.removePhoto}
            </button>
          </li>
        ))}
      </ul>
      {draft.value.photos.length < PHOTOS_MAX ? (
        <label class="button button-large button-wide photo">
          <Icon name="camera" />
          {words.addPhoto}
          <input
            type="file"
            class="visually-hidden"
            accept={EVIDENCE_TYPES.filter((type) => type.startsWith("image/")).join()}
            capture="environment"
            onChange={add}
          />
        </label>
      ) : (
        <p class="form-note">{words.photosMax(PHOTOS_MAX)}</p>
      )}
    </fieldset>
  );
}

/** Keeps the report and then its photos: the order in which they are sent. */
async function keep(draft: Draft): Promise<string> {
  const id = newKey();
  const title = draft.description.trim().slice(0, 60);
  const photos = await Promise.all(
    draft.photos.map(async (file) => ({
      sha256: await sha256Of(file),
      name: file.name.slice(0, 60),
      at: new Date(file.lastModified).toISOString(),
    })),
  );
  await addWork({
    id,
    case: null,
    report: null,
    title,
    work: { kind: "report", body: bodyOf(draft, photos) },
  });
  for (const file of draft.photos) await addPhoto({ case: null, report: id, title }, file);
  return id;
}

function Similar({ cases }: { cases: readonly Nearby[] }) {
  if (cases.length === 0) return null;
  return (
    <div class="note note-warning">
      <p>{t.value.report.similar}</p>
      <ul class="plain">
        {cases.map(({ case: each, because }) => (
          <li key={each.id}>
            <Link to={`/cases/${each.id}`}>
              <Said>{`${each.number} ${headline(each)} ${said(each.site.name)}`}</Said>
            </Link>{" "}
            <Said>{said(because)}</Said>
          </li>
        ))}
      </ul>
    </div>
  );
}

function After({ id, another }: { id: string; another: () => void }) {
  const words = t.value.report;
  const item = mine.value.find((each) => each.id === id);
  const answer = useSignal<Reported | null>(null);
  useEffect(
    () =>
      afterReport((key, reported) => {
        if (key === id) answer.value = reported;
      }),
    [id, answer],
  );
  const found = answer.value?.case;
  return (
    <section class="panel" role="status">
      {item?.state === "refused" ? (
        <p class="form-error">
          {words.refused}
          <Said>{item.problem?.detail ?? ""}</Said>
        </p>
      ) : item?.state === "done" && found ? (
        <p class="good">
          <Icon name="check" /> <Link to={`/cases/${found.id}`}>{words.sent(found.number)}</Link>
        </p>
      ) : (
        <p>{words.kept}</p>
      )}
      <Similar cases={answer.value?.nearby ?? []} />
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={another}>
          {words.another}
        </button>
        <Link to="/outbox" class="button">
          {t.value.queue.title}
        </Link>
      </div>
    </section>
  );
}

export function ReportPage() {
  const words = t.value.report;
  const draft = useSignal<Draft>(keptDraft());
  // A phone may throw the page away while its camera is open.
  useSignalEffect(() => keepDraft(draft.value));
  useEffect(() => void loadReportable(), []);
  const failure = useSignal<string | null>(null);
  const kept = useSignal<string | null>(null);
  const busy = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    failure.value = lacking(draft.value);
    if (failure.value !== null || busy.value) return;
    busy.value = true;
    try {
      kept.value = await keep(draft.value);
      draft.value = EMPTY;
    } catch (error) {
      failure.value = error instanceof OutboxFull ? t.value.phone.full : t.value.phone.storeFailed;
    }
    busy.value = false;
  };
  const typed = (part: "description" | "name" | "phone") => (event: Event) => {
    draft.value = { ...draft.value, [part]: (event.currentTarget as HTMLInputElement).value };
  };
  return (
    <main class="phone" id="main">
      <h1>{words.title}</h1>
      {kept.value !== null ? (
        <After
          id={kept.value}
          another={() => {
            kept.value = null;
          }}
        />
      ) : (
        <form class="report" onSubmit={(event) => void submit(event)} noValidate>
          <fieldset class="panel">
            <legend>{words.category}</legend>
            <div class="report-categories">
              {reportable.value.map((each) => (
                <label key={each.code} class="report-category">
                  <input
                    type="radio"
                    name="category"
                    value={each.code}
                    checked={draft.value.category === each.code}
                    onChange={() => {
                      draft.value = { ...draft.value, category: each.code };
                    }}
                  />
                  <Said>{said(each.name)}</Said>
                </label>
              ))}
            </div>
          </fieldset>
          <label class="field panel">
            <span>{words.description}</span>
            <textarea
              name="description"
              rows={4}
              maxLength={2000}
              placeholder={words.descriptionHint}
              value={draft.value.description}
              onInput={typed("description")}
            />
          </label>
          <Photos
            draft={draft}
            fail={(text) => {
              failure.value = text;
            }}
          />
          <Where draft={draft} />
          <fieldset class="panel report-place">
            <legend>{words.reporter}</legend>
            <label class="field">
              <span>{words.name}</span>
              <input
                type="text"
                autocomplete="off"
                maxLength={40}
                value={draft.value.name}
                onInput={typed("name")}
              />
            </label>
            <label class="field">
              <span>{words.phone}</span>
              <input
                type="tel"
                autocomplete="off"
                maxLength={30}
                value={draft.value.phone}
                onInput={typed("phone")}
              />
            </label>
          </fieldset>
          {failure.value !== null && (
            <p class="form-error" role="alert">
              {failure.value}
            </p>
          )}
          <button type="submit" class="button button-primary button-large button-wide" disabled={busy.value}>
            {words.submit}
          </button>
        </form>
      )}
    </main>
  );
}
