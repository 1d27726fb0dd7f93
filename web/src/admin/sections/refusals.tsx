import { hrefOf, useAddress } from "../address";
import type { RefusalAnswer } from "../answers";
import { usePages } from "../data/use_pages";
import { Badge } from "../parts/badge";
import { CopiedId } from "../parts/copied_id";
import { FilterChoice, FilterField } from "../parts/filters";
import { type Column, PagedTable } from "../parts/table";
import { Time } from "../parts/time";
import { View } from "../parts/view";
import { texts } from "../texts";

const REFRESH_MS = 5_000;

export function Refusals() {
  const { kind = "", userId = "" } = useAddress().filters;
  const pages = usePages<RefusalAnswer>("admin/refusals", { kind, userId }, REFRESH_MS);
  const tools = (
    <>
      <FilterChoice name="kind" label={texts.refusals.kind} options={texts.refusals.kinds} />
      <FilterField name="userId" label={texts.refusals.userId} />
    </>
  );
  return (
    <View title={texts.refusals.title} about={texts.refusals.about} tools={tools}>
      <PagedTable
        label={texts.refusals.title}
        columns={COLUMNS}
        pages={pages}
        keyOf={keyOf}
        empty={texts.refusals.empty}
      />
    </View>
  );
}

/** Returns why something was refused, in words. */
export function reasonText({ kind, reason, cause, method }: RefusalAnswer): string {
  if (cause !== undefined) return texts.refusals.causes[cause] ?? cause;
  if (kind === "rate_limit") return texts.refusals.overLimit;
  if (reason === "unauthenticated" && method === "password") return texts.refusals.wrongPassword;
  return texts.refusals.why[kind]?.[reason] ?? reason;
}

/** A refusal has no id. */
const keyOf = (refusal: RefusalAnswer): string => JSON.stringify(refusal);

const COLUMNS: readonly Column<RefusalAnswer>[] = [
  { name: texts.refusals.at, cell: ({ at }) => <Time at={at} /> },
  {
    name: texts.refusals.kind,
    cell: ({ kind }) => (
      <Badge tone={kind === "sign_in" ? "bad" : "warning"}>{texts.refusals.names[kind] ?? kind}</Badge>
    ),
  },
  {
    name: texts.refusals.reason,
    cell: (refusal) => (
      <span className="admin-name">
        <span>
          {reasonText(refusal)}
          {refusal.count > 1 && <span className="admin-faint"> · {texts.refusals.times(refusal.count)}</span>}
        </span>
        <span className="admin-faint">
          {[refusal.reason, refusal.cause ?? refusal.detail].filter(Boolean).join(": ")}
        </span>
      </span>
    ),
  },
  {
    name: texts.refusals.what,
    cell: ({ kind, command, limit, method, namespace, conversationId }) => {
      const what = [command, kind === "rate_limit" ? undefined : limit, method, namespace].filter(Boolean);
      return (
        <span className="admin-name">
          {what.length === 0 ? texts.none : <code>{what.join(" · ")}</code>}
          {conversationId && <CopiedId id={conversationId} href={hrefOf("conversations", {}, conversationId)} />}
        </span>
      );
    },
  },
  {
    name: texts.refusals.user,
    // An id with a slash is that of the back end or the command line, which are no users.
    cell: ({ userId }) => (
      <CopiedId id={userId} {...(userId && !userId.includes("/") && { href: hrefOf("users", {}, userId) })} />
    ),
  },
  {
    name: texts.refusals.from,
    cell: ({ address, origin }) => (
      <span className="admin-name">
        <span>{address || texts.none}</span>
        {origin && <span className="admin-faint">{origin}</span>}
      </span>
    ),
  },
  { name: texts.refusals.node, cell: ({ node }) => <CopiedId id={node} /> },
];
