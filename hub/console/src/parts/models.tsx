/** The anomaly models of a gateway: what runs, whether it fits the site, and what a candidate would have said. */
import { now } from "../data/clock";
import type { ModelList, ModelStatus, ShadowStatus } from "../data/types";
import { at, t } from "../i18n";
import { FactList } from "./gateway-parts";
import { Said } from "./said";

/** So much of a digest tells two bundles apart. */
const DIGEST_SHOWN = 12;

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

function Tags({ model }: { model: ModelStatus }) {
  const words = t.value.models;
  if (model.build === undefined || model.build === null)
    return <span class="tag tag-warning">{words.notLoaded}</span>;
  return (
    <>
      <span class="tag">{words.build(model.build)}</span>
      {!model.enabled && <span class="tag">{words.raisesNothing}</span>}
      {model.drift.breached && <span class="tag tag-warning">{words.breached}</span>}
    </>
  );
}

function Facts({ model }: { model: ModelStatus }) {
  const words = t.value.models;
  const { drift } = model;
  const text = (value: string) => <Said>{value}</Said>;
  return (
    <FactList
      facts={[
        [words.subjects, text(words.subjectsOf(model.subjects, model.learning))],
        [words.open, model.open],
        [words.psi, text(drift.rows > 0 ? words.psiOf(drift.psi.toFixed(2)) : words.noRows)],
        [words.missing, text(percent(drift.missing_share))],
        [words.clipped, text(percent(drift.clip_share))],
        [words.missed, text(percent(drift.missed_share))],
        [words.untrained, text((model.untrained ?? []).join(t.value.joiner) || t.value.none)],
        [words.digest, text(model.sha256?.slice(0, DIGEST_SHOWN) ?? "–")],
      ]}
    />
  );
}

function Shadow({ shadow }: { shadow: ShadowStatus }) {
  const words = t.value.models;
  const samples = shadow.samples ?? [];
  const share = (n: number) => (shadow.rows > 0 ? percent(n / shadow.rows) : "–");
  return (
    <>
      <h4>{words.shadow(shadow.build)}</h4>
      <p class="panel-hint">{words.shadowHint}</p>
      <FactList
        facts={[
          [words.rows, shadow.rows],
          [words.higher, words.countAndShare(shadow.higher, share(shadow.higher))],
          [words.lower, words.countAndShare(shadow.lower, share(shadow.lower))],
        ]}
      />
      {samples.length > 0 && (
        <details>
          <summary>{words.samples(samples.length)}</summary>
          <table class="table">
            <thead>
              <tr>
                <th scope="col">{words.current}</th>
                <th scope="col">{words.candidate}</th>
              </tr>
            </thead>
            <tbody>
              {[...samples].reverse().map((sample, index) => (
                <tr key={index}>
                  <td>
                    {sample.current.toFixed(3)} {words.level[sample.current_level]}
                  </td>
                  <td>
                    {sample.candidate.toFixed(3)} {words.level[sample.candidate_level]}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </>
  );
}

export function Models({ found }: { found: ModelList }) {
  const words = t.value.models;
  if (found.items.length === 0) return <p class="empty">{words.none}</p>;
  return (
    <>
      {found.at && <p class="panel-hint">{words.asOf(at(found.at, now.value))}</p>}
      <ul class="models">
        {found.items.map((model) => (
          <li key={model.id}>
            <h3>
              <Said>{words.name[model.id] ?? model.id}</Said> <Said class="number">{model.id}</Said>{" "}
              <Tags model={model} />
            </h3>
            <Facts model={model} />
            {model.shadow && <Shadow shadow={model.shadow} />}
          </li>
        ))}
      </ul>
    </>
  );
}
