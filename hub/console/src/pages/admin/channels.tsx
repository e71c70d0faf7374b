/** Channels of notifications: how full their quotas are, what was given up, and a test. */
import { useSignal } from "@preact/signals";
import {
  type Channel,
  readChannels,
  readDeadLetters,
  retryLetter,
  type TestOutcome,
  testChannel,
} from "../../data/admin";
import { now as hubTime } from "../../data/clock";
import { at, span, t } from "../../i18n";
import { Failure, Shown, useAsked, useDoing } from "../../parts/asked";
import { Said } from "../../parts/said";

function ChannelCard({ channel, again }: { channel: Channel; again: () => Promise<void> }) {
  const words = t.value.admin.channel;
  const outcomes = useSignal<TestOutcome[] | null>(null);
  const { busy, error, run } = useDoing();
  return (
    <li class="panel">
      <h3>
        <Said>{channel.name}</Said> <span class="tag">{words.kind[channel.kind] ?? channel.kind}</span>
      </h3>
      {channel.recipients.length > 0 && <Said>{channel.recipients.join(t.value.joiner)}</Said>}
      <ul>
        {channel.quota.map((window) => (
          <li key={window.per_ms}>
            <label>
              {words.quota(window.used, window.count, span(window.per_ms), window.reserved)}
              <meter
                min={0}
                max={window.count}
                high={Math.max(0, window.count - window.reserved)}
                value={Math.min(window.used, window.count)}
              />
            </label>
          </li>
        ))}
      </ul>
      <p>{words.rows(channel.waiting, channel.dead)}</p>
      {channel.paused_until !== undefined && (
        <p class="note note-warning">{words.paused(at(channel.paused_until, hubTime.value))}</p>
      )}
      <button
        type="button"
        class="button button-small"
        disabled={busy.value}
        onClick={() =>
          run(async () => {
            outcomes.value = null;
            outcomes.value = (await testChannel(channel.name)).items;
            await again();
          })
        }
      >
        {words.test}
        <span class="visually-hidden"> {channel.name}</span>
      </button>
      {busy.value && <p role="status">{words.testing}</p>}
      <Failure error={error.value} />
      {outcomes.value !== null && (
        <ul role="status">
          {outcomes.value.map((each) => (
            <li key={each.recipient} class={each.outcome === "delivered" ? "good" : "warning"}>
              {each.recipient !== "" && <Said>{each.recipient}</Said>}{" "}
              {words.outcome[each.outcome as keyof typeof words.outcome] ?? each.outcome}{" "}
              {each.error && <Said>{each.error}</Said>} {each.answer && <Said>{each.answer}</Said>}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

export function ChannelSection() {
  const words = t.value.admin.channel;
  const channels = useAsked(readChannels);
  const dead = useAsked(readDeadLetters);
  const { busy, error, run } = useDoing();
  return (
    <section>
      <Shown asked={channels}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="list-empty">{words.none}</p>
          ) : (
            <ul class="admin-cards">
              {items.map((channel) => (
                <ChannelCard key={channel.name} channel={channel} again={channels.again} />
              ))}
            </ul>
          )
        }
      </Shown>
      <h2>{words.deadLetters}</h2>
      <Failure error={error.value} />
      <Shown asked={dead}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="list-empty">{words.noDeadLetters}</p>
          ) : (
            <ul class="admin-cards">
              {items.map((letter) => (
                <li key={letter.id} class="panel">
                  <h3>
                    <Said class="number">{letter.number}</Said> <Said>{letter.channel}</Said>
                  </h3>
                  <p>
                    {at(letter.created_at, hubTime.value)}{" "}
                    {letter.recipient && <Said>{letter.recipient}</Said>}
                  </p>
                  {letter.error && <Said class="warning">{letter.error}</Said>}
                  <p>
                    <button
                      type="button"
                      class="button button-small"
                      disabled={busy.value}
                      onClick={() =>
                        run(async () => {
                          await retryLetter(letter.id);
                          await Promise.all([dead.again(), channels.again()]);
                        })
                      }
                    >
                      {words.sendAgain}
                    </button>
                  </p>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </section>
  );
}
