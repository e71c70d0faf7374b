/** Everything this person did that is not at the hub yet, in the order in which it will be sent. */
import { mine } from "../data/work";
import { t } from "../i18n";
import { Icon } from "../parts/icons";
import { QueueLine } from "../parts/queue-line";

export function OutboxPage() {
  const words = t.value.queue;
  const open = mine.value.filter((each) => each.state !== "done");
  const done = mine.value.filter((each) => each.state === "done").reverse();
  return (
    <main class="phone" id="main">
      <h1>{words.title}</h1>
      <p class="form-note">{words.hint}</p>
      {open.length === 0 ? (
        <p class="good">
          <Icon name="check" /> {words.empty}
        </p>
      ) : (
        <ol class="queue" id="queue">
          {open.map((item) => (
            <QueueLine key={item.id} item={item} look />
          ))}
        </ol>
      )}
      {done.length > 0 && (
        <section aria-labelledby="done-heading">
          <h2 id="done-heading">{words.done}</h2>
          <ol class="queue" id="queue-done">
            {done.map((item) => (
              <QueueLine key={item.id} item={item} look />
            ))}
          </ol>
        </section>
      )}
    </main>
  );
}
