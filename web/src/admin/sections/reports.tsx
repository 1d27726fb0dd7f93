import { useState } from "react";
import { hrefOf, useAddress } from "../address";
import type { ReportAnswer } from "../answers";
import { pathOfConversation, pathOfUser, useNames } from "../data/use_names";
import { usePages } from "../data/use_pages";
import { CopiedId } from "../parts/copied_id";
import { FilterChoice } from "../parts/filters";
import { type Column, PagedTable } from "../parts/table";
import { Time } from "../parts/time";
import { View } from "../parts/view";
import { texts } from "../texts";
import { ReportDialog } from "./report_dialog";

const OPEN = "open";

export function Reports() {
  const { state = OPEN } = useAddress().filters;
  const pages = usePages<ReportAnswer>("reports", { state: state === "all" ? "" : state });
  const names = useNames(
    pages.items.flatMap(({ reporterId, conversationId }) => [
      pathOfUser(reporterId),
      pathOfConversation(conversationId),
    ]),
  );
  const [deciding, setDeciding] = useState<ReportAnswer | null>(null);
  const columns: readonly Column<ReportAnswer>[] = [
    ...columnsOf(names),
    {
      name: texts.actions,
      hasHiddenName: true,
      cell: (report) =>
        report.state === OPEN && (
          <button type="button" onClick={() => setDeciding(report)}>
            {texts.reports.decide}
          </button>
        ),
    },
  ];
  const tools = (
    <FilterChoice name="state" label={texts.reports.state} options={texts.reports.states} fallback={OPEN} />
  );
  return (
    <View title={texts.reports.title} tools={tools}>
      <PagedTable
        label={texts.reports.title}
        columns={columns}
        pages={pages}
        keyOf={({ id }) => id}
        empty={texts.reports.empty}
      />
      {deciding !== null && <ReportDialog report={deciding} onDone={pages.reload} onClose={() => setDeciding(null)} />}
    </View>
  );
}

function Decision({ report: { state, action, decision } }: { report: ReportAnswer }) {
  if (state === OPEN) return texts.none;
  const outcome = texts.reports.done[action ?? ""] ?? texts.reports.states[state] ?? state;
  return (
    <span className="admin-name">
      <span>{outcome}</span>
      {decision && <span className="admin-faint">{decision}</span>}
    </span>
  );
}

const columnsOf = (names: ReadonlyMap<string, string>): readonly Column<ReportAnswer>[] => [
  { name: texts.reports.at, cell: ({ createdAt }) => <Time at={createdAt} /> },
  {
    name: texts.reports.reason,
    cell: ({ reason, note }) => (
      <span className="admin-name">
        <span className="admin-long">{reason}</span>
        {note && <span className="admin-faint">{note}</span>}
      </span>
    ),
  },
  {
    name: texts.reports.reporter,
    cell: ({ reporterId }) => (
      <CopiedId id={reporterId} name={names.get(pathOfUser(reporterId))} href={hrefOf("users", {}, reporterId)} />
    ),
  },
  {
    name: texts.reports.message,
    cell: ({ messageId, offerId = "", content }) => (
      <span className="admin-name">
        {content && <span className="admin-long">{content}</span>}
        <CopiedId id={messageId ?? offerId} />
      </span>
    ),
  },
  {
    name: texts.reports.conversation,
    cell: ({ conversationId }) => (
      <CopiedId
        id={conversationId}
        name={names.get(pathOfConversation(conversationId))}
        href={hrefOf("conversations", {}, conversationId)}
      />
    ),
  },
  { name: texts.reports.decision, cell: (report) => <Decision report={report} /> },
];
