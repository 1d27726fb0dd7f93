import { useState } from "react";
import { hrefOf } from "../address";
import { useApi } from "../admin_context";
import type { AgentAnswer, TurnAnswer } from "../answers";
import { pathOfConversation, pathOfUser, useNames } from "../data/use_names";
import { usePages, useWholeList } from "../data/use_pages";
import { count } from "../number_text";
import { ActionDialog } from "../parts/action_dialog";
import { CopiedId } from "../parts/copied_id";
import { type Column, PagedTable } from "../parts/table";
import { Time } from "../parts/time";
import { View } from "../parts/view";
import { texts } from "../texts";

const REFRESH_MS = 5_000;

export function Agents() {
  const api = useApi();
  const agents = useWholeList<AgentAnswer>("admin/agents", REFRESH_MS);
  const failed = usePages<TurnAnswer>("turns", { state: "failed" }, REFRESH_MS);
  const names = useNames(
    failed.items.flatMap(({ agentId, conversationId }) => [pathOfUser(agentId), pathOfConversation(conversationId)]),
  );
  const [retried, setRetried] = useState<TurnAnswer | null>(null);
  const retry = async ({ id }: TurnAnswer): Promise<string> => {
    await api.post(`turns/${encodeURIComponent(id)}/retry`);
    failed.reload();
    return texts.agents.retried;
  };
  const columns: readonly Column<TurnAnswer>[] = [
    ...turnColumnsOf(names),
    {
      name: texts.actions,
      hasHiddenName: true,
      cell: (turn) => (
        <button type="button" onClick={() => setRetried(turn)}>
          {texts.agents.retry}
        </button>
      ),
    },
  ];
  return (
    <View title={texts.agents.title} about={texts.agents.about}>
      <PagedTable
        label={texts.agents.title}
        columns={AGENT_COLUMNS}
        pages={agents}
        keyOf={({ agentId }) => agentId}
        empty={texts.agents.empty}
      />
      <h2>{texts.agents.failedTurns}</h2>
      <PagedTable
        label={texts.agents.failedTurns}
        columns={columns}
        pages={failed}
        keyOf={({ id }) => id}
        empty={texts.agents.noFailures}
      />
      {retried !== null && (
        <ActionDialog
          title={texts.agents.retryTitle}
          action={texts.agents.retry}
          onSubmit={() => retry(retried)}
          onClose={() => setRetried(null)}
        >
          <p>{texts.agents.retryAbout}</p>
        </ActionDialog>
      )}
    </View>
  );
}

const AGENT_COLUMNS: readonly Column<AgentAnswer>[] = [
  {
    name: texts.agents.agent,
    cell: ({ agentId, name }) => (
      <span className="admin-line">
        {name} <CopiedId id={agentId} href={hrefOf("users", {}, agentId)} />
      </span>
    ),
  },
  { name: texts.agents.open, isNumber: true, cell: ({ open }) => count(open) },
  {
    name: texts.agents.oldest,
    cell: ({ oldestAt }) => (oldestAt === null ? texts.none : <Time at={oldestAt} />),
  },
  { name: texts.agents.failed, isNumber: true, cell: ({ failed }) => count(failed) },
  { name: texts.agents.answered, isNumber: true, cell: ({ answered }) => count(answered) },
];

const turnColumnsOf = (names: ReadonlyMap<string, string>): readonly Column<TurnAnswer>[] => [
  {
    name: texts.agents.agent,
    cell: ({ agentId }) => (
      <CopiedId id={agentId} name={names.get(pathOfUser(agentId))} href={hrefOf("users", {}, agentId)} />
    ),
  },
  {
    name: texts.agents.conversation,
    cell: ({ conversationId }) => (
      <CopiedId
        id={conversationId}
        name={names.get(pathOfConversation(conversationId))}
        href={hrefOf("conversations", {}, conversationId)}
      />
    ),
  },
  {
    name: texts.agents.ended,
    cell: ({ endedAt }) => (endedAt === undefined ? texts.none : <Time at={endedAt} />),
  },
  {
    name: texts.agents.error,
    cell: ({ error }) => (
      <span className="admin-long">
        {error === undefined ? texts.none : [error.code, error.message].filter((text) => text).join(": ")}
      </span>
    ),
  },
];
