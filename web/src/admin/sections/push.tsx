import { hrefOf } from "../address";
import type { PushAnswer, PushFailure } from "../answers";
import { useLoaded } from "../data/use_loaded";
import { count } from "../number_text";
import { CopiedId } from "../parts/copied_id";
import { Facts } from "../parts/facts";
import { type Column, Problem, Table } from "../parts/table";
import { ExactTime } from "../parts/time";
import { View } from "../parts/view";
import { texts } from "../texts";

const REFRESH_MS = 5_000;

export function Push() {
  const { value, problem, reload } = useLoaded<PushAnswer>("admin/push", REFRESH_MS);
  return (
    <View title={texts.push.title} about={texts.push.about}>
      {problem !== "" && <Problem text={problem} onRetry={() => void reload()} />}
      {value && (
        <>
          <div className="admin-columns">
            <section aria-labelledby="registrations">
              <h2 id="registrations">{texts.push.registrations}</h2>
              <Facts facts={counts(value.registrations, texts.push.kinds)} />
            </section>
            <section aria-labelledby="sending">
              <h2 id="sending">{texts.push.attempts}</h2>
              <Facts
                facts={{ ...counts(value.attempts, texts.push.results), [texts.push.waiting]: count(value.waiting) }}
              />
            </section>
          </div>
          <h2>{texts.push.failures}</h2>
          {value.failures.length === 0 ? (
            <p className="admin-nothing">{texts.push.noFailures}</p>
          ) : (
            <Table label={texts.push.failures} columns={COLUMNS} items={value.failures} keyOf={({ id }) => id} />
          )}
        </>
      )}
    </View>
  );
}

function counts(
  values: Readonly<Record<string, number>>,
  names: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [names[name] ?? name, count(value)]));
}

const COLUMNS: readonly Column<PushFailure>[] = [
  { name: texts.push.user, cell: ({ userId }) => <CopiedId id={userId} href={hrefOf("users", {}, userId)} /> },
  { name: texts.push.service, cell: ({ service }) => <span className="admin-long">{service}</span> },
  { name: texts.push.failed, isNumber: true, cell: ({ failures }) => count(failures) },
  { name: texts.push.reason, cell: ({ error }) => <span className="admin-long">{error ?? texts.none}</span> },
  {
    name: texts.push.next,
    cell: ({ nextAttemptAt }) => (nextAttemptAt === null ? texts.none : <ExactTime at={nextAttemptAt} />),
  },
];
