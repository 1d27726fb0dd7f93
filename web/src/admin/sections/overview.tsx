import { useState } from "react";
import { readableSize } from "../../chat/files/file_size";
import { hrefOf } from "../address";
import type { AgentAnswer, NodeAnswer, OverviewAnswer, PushAnswer, ReportAnswer, WebhookAnswer } from "../answers";
import { attentionOf, isHealthy, isSlow } from "../data/attention";
import type { Page } from "../data/page_list";
import { withSample } from "../data/samples";
import { useLoaded } from "../data/use_loaded";
import { count, duration, milliseconds } from "../number_text";
import { Badge } from "../parts/badge";
import { CopiedId } from "../parts/copied_id";
import { Facts } from "../parts/facts";
import { Sparkline } from "../parts/sparkline";
import { type Column, Problem, Table } from "../parts/table";
import { Time } from "../parts/time";
import { View } from "../parts/view";
import { texts } from "../texts";

const REFRESH_MS = 3_000;
const SLOW_REFRESH_MS = 15_000;

export function Overview() {
  const { value, problem, reload } = useLoaded<OverviewAnswer>("admin/overview", REFRESH_MS);
  return (
    <View title={texts.overview.title} {...(value && { about: texts.overview.version(value.version) })}>
      {problem !== "" && <Problem text={problem} onRetry={() => void reload()} />}
      {value === undefined ? (
        problem === "" && (
          <p className="admin-nothing" role="status">
            {texts.loading}
          </p>
        )
      ) : (
        <>
          <AttentionList overview={value} />
          <Figures overview={value} />
          <h2>{texts.overview.nodes}</h2>
          <Table label={texts.overview.nodes} columns={NODE_COLUMNS} items={value.nodes} keyOf={({ id }) => id} />
          <div className="admin-columns">
            <section aria-labelledby="storage">
              <h2 id="storage">{texts.overview.storage}</h2>
              <Storage overview={value} />
            </section>
            <section aria-labelledby="totals">
              <h2 id="totals">{texts.overview.totals}</h2>
              {value.totals && (
                <Facts
                  facts={{
                    [texts.overview.totalUsers]: count(value.totals.users),
                    [texts.overview.totalConversations]: count(value.totals.conversations),
                    [texts.overview.totalMessages]: count(value.totals.messages),
                  }}
                />
              )}
            </section>
          </div>
        </>
      )}
    </View>
  );
}

function AttentionList({ overview }: { overview: OverviewAnswer }) {
  const webhooks = useLoaded<Page<WebhookAnswer>>("webhooks", SLOW_REFRESH_MS);
  const reports = useLoaded<Page<ReportAnswer>>("reports?state=open&limit=50", SLOW_REFRESH_MS);
  const pushes = useLoaded<PushAnswer>("admin/push", SLOW_REFRESH_MS);
  const agents = useLoaded<Page<AgentAnswer>>("admin/agents", SLOW_REFRESH_MS);
  const found = attentionOf({
    overview,
    webhooks: webhooks.value?.items ?? [],
    openReports: reports.value?.items ?? [],
    failingPushes: pushes.value?.failures.length ?? 0,
    agents: agents.value?.items ?? [],
    nowMs: Date.now(),
  });
  return (
    <section className="admin-attention" aria-labelledby="attention">
      <h2 id="attention">{texts.overview.attention}</h2>
      {found.length === 0 ? (
        <p>{texts.overview.nothing}</p>
      ) : (
        <ul>
          {found.map(({ text, href }) => (
            <li key={text}>{href === null ? text : <a href={href}>{text}</a>}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** What the figures were, as long as the page is open, also while another view is shown. */
const history = new Map<string, readonly number[]>();

function Figures({ overview: { nodes, perMinute } }: { overview: OverviewAnswer }) {
  const sum = (of: (node: NodeAnswer) => number) => nodes.reduce((total, node) => total + of(node), 0);
  const figures = [
    { name: texts.overview.connections, value: sum((node) => node.connections), href: hrefOf("connections") },
    { name: texts.overview.users, value: sum((node) => node.users), href: hrefOf("users") },
    { name: texts.overview.messages, value: perMinute.messages },
    { name: texts.overview.commands, value: perMinute.commands },
    { name: texts.overview.refusals, value: perMinute.refusals, href: hrefOf("refusals") },
  ];
  return (
    <ul className="admin-figures">
      {figures.map((figure) => (
        <Figure key={figure.name} {...figure} sampledAt={perMinute} />
      ))}
    </ul>
  );
}

interface FigureProps {
  name: string;
  value: number;
  href?: string;
  /** Another object for each answer, also when the value is the same. */
  sampledAt: object;
}

function Figure({ name, value, href, sampledAt }: FigureProps) {
  const [last, setLast] = useState<object | null>(null);
  const [samples, setSamples] = useState(() => history.get(name) ?? []);
  if (last !== sampledAt) {
    const next = withSample(samples, value);
    history.set(name, next);
    setLast(sampledAt);
    setSamples(next);
  }
  return (
    <li>
      <span className="admin-figure-name">{href === undefined ? name : <a href={href}>{name}</a>}</span>
      <strong>{count(value)}</strong>
      <Sparkline samples={samples} />
    </li>
  );
}

const NODE_COLUMNS: readonly Column<NodeAnswer>[] = [
  {
    name: texts.overview.node,
    cell: ({ id, isSelf, draining }) => (
      <span className="admin-line">
        <CopiedId id={id} href={hrefOf("connections", { node: id })} />
        {isSelf && <Badge>{texts.overview.self}</Badge>}
        {draining && <Badge tone="warning">{texts.overview.draining}</Badge>}
      </span>
    ),
  },
  { name: texts.overview.host, cell: ({ host, pid }) => `${host} (${pid})` },
  { name: texts.overview.started, cell: ({ startedAt }) => <Time at={startedAt} /> },
  { name: texts.overview.connections, isNumber: true, cell: ({ connections }) => count(connections) },
  { name: texts.overview.users, isNumber: true, cell: ({ users }) => count(users) },
  { name: texts.overview.lag, isNumber: true, cell: ({ loopLagMs }) => <Latency ms={loopLagMs} /> },
  {
    name: texts.overview.cpu,
    isNumber: true,
    cell: ({ cpuSeconds }) => duration(cpuSeconds),
  },
  {
    name: texts.overview.memory,
    isNumber: true,
    cell: ({ memoryBytes }) => (memoryBytes === null ? texts.none : readableSize(memoryBytes)),
  },
];

function Latency({ ms }: { ms: number | null }) {
  if (ms === null) return texts.none;
  return isSlow(ms) ? <Badge tone="warning">{milliseconds(ms)}</Badge> : milliseconds(ms);
}

function Storage({ overview: { database, bus } }: { overview: OverviewAnswer }) {
  return (
    <Facts
      facts={{
        [texts.overview.database]: <State kind={database.kind} state={database.state} />,
        [texts.overview.latency]: <Latency ms={database.latencyMs} />,
        [texts.overview.size]: database.sizeBytes === null ? null : readableSize(database.sizeBytes),
        [texts.overview.bus]: bus.kind === "none" ? texts.overview.noBus : <State kind={bus.kind} state={bus.state} />,
      }}
    />
  );
}

function State({ kind, state }: { kind: string; state: string }) {
  return (
    <span className="admin-line">
      {kind} <Badge tone={isHealthy(state) ? "good" : "bad"}>{state}</Badge>
    </span>
  );
}
