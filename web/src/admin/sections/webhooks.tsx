import { hrefOf } from "../address";
import type { WebhookAnswer } from "../answers";
import { useWholeList } from "../data/use_pages";
import { count } from "../number_text";
import { Badge } from "../parts/badge";
import { type Column, PagedTable } from "../parts/table";
import { Time } from "../parts/time";
import { View } from "../parts/view";
import { texts } from "../texts";

const REFRESH_MS = 5_000;

export function Webhooks() {
  const pages = useWholeList<WebhookAnswer>("webhooks", REFRESH_MS);
  return (
    <View title={texts.webhooks.title}>
      <PagedTable
        label={texts.webhooks.title}
        columns={COLUMNS}
        pages={pages}
        keyOf={({ id }) => id}
        empty={texts.webhooks.empty}
      />
    </View>
  );
}

const COLUMNS: readonly Column<WebhookAnswer>[] = [
  {
    name: texts.webhooks.url,
    cell: ({ id, url, description }) => (
      <span className="admin-name">
        <a className="admin-long" href={hrefOf("webhooks", {}, id)}>
          {url}
        </a>
        {description && <span className="admin-faint">{description}</span>}
      </span>
    ),
  },
  { name: texts.webhooks.state, cell: (webhook) => <WebhookState webhook={webhook} /> },
  { name: texts.webhooks.types, cell: ({ types }) => types?.join(", ") ?? texts.webhooks.allTypes },
  { name: texts.webhooks.failing, isNumber: true, cell: ({ failing }) => count(failing) },
  { name: texts.webhooks.created, cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function WebhookState({ webhook: { enabled, failing, disabledReason } }: { webhook: WebhookAnswer }) {
  if (!enabled) {
    const reason = disabledReason ?? "request";
    return <Badge tone={reason === "request" ? "plain" : "bad"}>{texts.webhooks.stopped[reason]}</Badge>;
  }
  return failing > 0 ? (
    <Badge tone="warning">{texts.webhooks.retrying}</Badge>
  ) : (
    <Badge tone="good">{texts.webhooks.working}</Badge>
  );
}
