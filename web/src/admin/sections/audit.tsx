import { hrefOf, useAddress } from "../address";
import type { AuditAnswer } from "../answers";
import { usePages } from "../data/use_pages";
import { CopiedId } from "../parts/copied_id";
import { FilterChoice, FilterField } from "../parts/filters";
import { type Column, PagedTable } from "../parts/table";
import { Time } from "../parts/time";
import { View } from "../parts/view";
import { texts } from "../texts";

const ACTIONS = [
  "account-create",
  "ban",
  "card-decide",
  "connection-end",
  "conversation-ban",
  "conversation-claim",
  "conversation-close",
  "conversation-delete",
  "conversation-handoff",
  "conversation-release",
  "conversation-unban",
  "erase",
  "export",
  "hold",
  "hold-end",
  "invitation-create",
  "invitation-delete",
  "member-remove",
  "message-delete",
  "message-edit",
  "message-on-behalf",
  "mute",
  "offer-delete",
  "password-set",
  "preferences-set",
  "previews-remove",
  "report-context",
  "report-dismiss",
  "report-resolve",
  "retention",
  "role-admin",
  "role-member",
  "role-owner",
  "session-end",
  "team-delete",
  "team-put",
  "teams-change",
  "unban",
  "unmute",
  "webhook-create",
  "webhook-delete",
  "webhook-rewind",
  "webhook-rotate",
  "webhook-update",
];

export function Audit() {
  const { action = "", actorId = "", targetId = "" } = useAddress().filters;
  const pages = usePages<AuditAnswer>("audit", { action, actorId, targetId });
  const tools = (
    <>
      <FilterChoice
        name="action"
        label={texts.audit.action}
        options={{ "": texts.audit.anyAction, ...Object.fromEntries(ACTIONS.map((each) => [each, each])) }}
      />
      <FilterField name="actorId" label={texts.audit.actorId} />
      <FilterField name="targetId" label={texts.audit.targetId} />
    </>
  );
  return (
    <View title={texts.audit.title} about={texts.audit.about} tools={tools}>
      <PagedTable
        label={texts.audit.title}
        columns={COLUMNS}
        pages={pages}
        keyOf={({ id }) => id}
        empty={texts.audit.empty}
      />
    </View>
  );
}

const COLUMNS: readonly Column<AuditAnswer>[] = [
  { name: texts.audit.at, cell: ({ at }) => <Time at={at} /> },
  { name: texts.audit.action, cell: ({ action }) => <code>{action}</code> },
  {
    name: texts.audit.actor,
    cell: ({ actorId }) => <CopiedId id={actorId} href={hrefOf("audit", { actorId })} />,
  },
  { name: texts.audit.target, cell: ({ targetId }) => <CopiedId id={targetId} href={hrefOf("audit", { targetId })} /> },
  {
    name: texts.audit.conversation,
    cell: ({ conversationId }) =>
      conversationId === undefined ? (
        texts.none
      ) : (
        <CopiedId id={conversationId} href={hrefOf("conversations", { q: conversationId })} />
      ),
  },
  { name: texts.audit.reason, cell: ({ reason }) => <span className="admin-long">{reason || texts.none}</span> },
  { name: texts.audit.address, cell: ({ address }) => address || texts.none },
];
