import { useState } from "react";
import { RadioGroup } from "../../ui/components/radio_group";
import { goTo, hrefOf } from "../address";
import { useApi, useSay } from "../admin_context";
import type { DeliveryAnswer, WebhookAnswer } from "../answers";
import type { Page } from "../data/page_list";
import { useLoaded } from "../data/use_loaded";
import { count, milliseconds } from "../number_text";
import { ActionDialog } from "../parts/action_dialog";
import { Badge } from "../parts/badge";
import { CopiedId } from "../parts/copied_id";
import { Facts } from "../parts/facts";
import { type Column, Problem, Table } from "../parts/table";
import { ExactTime, Time } from "../parts/time";
import { View } from "../parts/view";
import { texts } from "../texts";
import { WebhookState } from "./webhooks";

const REFRESH_MS = 5_000;

type Asked = "rewind" | "enable" | "disable" | "remove";

/** One webhook, its newest attempts, and what an operator can do. */
export function WebhookView({ id }: { id: string }) {
  const api = useApi();
  const say = useSay();
  const path = `webhooks/${encodeURIComponent(id)}`;
  const webhook = useLoaded<WebhookAnswer>(path, REFRESH_MS);
  const deliveries = useLoaded<Page<DeliveryAnswer>>(`${path}/deliveries`, REFRESH_MS);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [isTesting, setTesting] = useState(false);
  const { value } = webhook;
  const reload = (): void => {
    void webhook.reload();
    void deliveries.reload();
  };
  const act = async (action: () => Promise<unknown>, outcome: string): Promise<string> => {
    await action();
    reload();
    return outcome;
  };
  const test = async (): Promise<void> => {
    setTesting(true);
    try {
      const { status, error } = await api.post<DeliveryAnswer>(`${path}/test`);
      say(status === null ? texts.webhooks.testFailed(error ?? "") : texts.webhooks.tested(status));
    } catch (error) {
      say((error as Error).message);
    }
    setTesting(false);
    reload();
  };
  const resend = (): void => {
    act(() => api.patch(path, { enabled: true }), texts.webhooks.resent).then(say, ({ message }: Error) =>
      say(message),
    );
  };
  const remove = async (): Promise<string> => {
    await api.delete(path);
    goTo("webhooks");
    return texts.webhooks.removed;
  };
  const tools = value && (
    <>
      <button type="button" aria-disabled={isTesting} onClick={() => isTesting || void test()}>
        {texts.webhooks.test}
      </button>
      {value.enabled && value.failing > 0 && (
        <button type="button" onClick={resend}>
          {texts.webhooks.resend}
        </button>
      )}
      <button type="button" onClick={() => setAsked("rewind")}>
        {texts.webhooks.rewind}
      </button>
      <button type="button" onClick={() => setAsked(value.enabled ? "disable" : "enable")}>
        {value.enabled ? texts.webhooks.disable : texts.webhooks.enable}
      </button>
      <button type="button" className="danger" onClick={() => setAsked("remove")}>
        {texts.webhooks.remove}
      </button>
    </>
  );
  const close = (): void => setAsked(null);
  return (
    <View title={value?.url ?? id} back={{ href: hrefOf("webhooks"), text: texts.webhooks.back }} tools={tools}>
      {webhook.problem !== "" && <Problem text={webhook.problem} onRetry={reload} />}
      {value && (
        <Facts
          facts={{
            [texts.webhooks.state]: <WebhookState webhook={value} />,
            [texts.webhooks.description]: value.description,
            [texts.webhooks.failing]: count(value.failing),
            [texts.webhooks.failingSince]: value.failingSince && <Time at={value.failingSince} />,
            [texts.webhooks.types]: value.types?.join(", ") ?? texts.webhooks.allTypes,
            [texts.webhooks.conversations]: value.conversationIds?.join(", ") ?? texts.webhooks.allConversations,
            [texts.webhooks.streams]: value.final ? texts.webhooks.streamsAtEnd : texts.webhooks.streamsFromStart,
            [texts.webhooks.disabledAt]: value.disabledAt && <ExactTime at={value.disabledAt} />,
            [texts.webhooks.position]: <CopiedId id={value.cursor} />,
            [texts.users.id]: <CopiedId id={id} />,
            [texts.webhooks.created]: <Time at={value.createdAt} />,
          }}
        />
      )}
      <h2>{texts.webhooks.deliveries}</h2>
      {deliveries.problem !== "" && <Problem text={deliveries.problem} onRetry={reload} />}
      {deliveries.value?.items.length === 0 && <p className="admin-nothing">{texts.webhooks.noDeliveries}</p>}
      {deliveries.value !== undefined && deliveries.value.items.length > 0 && (
        <Table
          label={texts.webhooks.deliveries}
          columns={COLUMNS}
          items={deliveries.value.items}
          keyOf={({ eventId, attempt, at }) => `${eventId} ${attempt} ${at}`}
        />
      )}
      {asked === "rewind" && (
        <RewindDialog
          onRewind={(after) => act(() => api.post(`${path}/rewind`, { after }), texts.webhooks.rewound)}
          onClose={close}
        />
      )}
      {(asked === "enable" || asked === "disable") && (
        <ActionDialog
          title={texts.webhooks[`${asked}Title`]}
          action={texts.webhooks[`${asked}Action`]}
          isDangerous={asked === "disable"}
          onSubmit={() =>
            act(
              () => api.patch(path, { enabled: asked === "enable" }),
              asked === "enable" ? texts.webhooks.enabled : texts.webhooks.disabled,
            )
          }
          onClose={close}
        >
          <p>{texts.webhooks[`${asked}About`]}</p>
        </ActionDialog>
      )}
      {asked === "remove" && (
        <ActionDialog
          title={texts.webhooks.removeTitle}
          action={texts.webhooks.removeAction}
          isDangerous
          onSubmit={remove}
          onClose={close}
        >
          <p>{texts.webhooks.removeAbout}</p>
        </ActionDialog>
      )}
    </View>
  );
}

const COLUMNS: readonly Column<DeliveryAnswer>[] = [
  { name: texts.webhooks.at, cell: ({ at }) => <Time at={at} /> },
  { name: texts.webhooks.event, cell: (delivery) => <Event delivery={delivery} /> },
  { name: texts.webhooks.attempt, isNumber: true, cell: ({ attempt }) => count(attempt) },
  { name: texts.webhooks.result, cell: (delivery) => <Result delivery={delivery} /> },
  { name: texts.webhooks.took, isNumber: true, cell: ({ durationMs }) => milliseconds(durationMs) },
  { name: texts.webhooks.next, cell: ({ next }) => (next === undefined ? texts.none : <ExactTime at={next} />) },
];

function Event({ delivery: { eventId, type } }: { delivery: DeliveryAnswer }) {
  return (
    <span className="admin-name">
      {type && <code>{type}</code>}
      <CopiedId id={eventId} />
    </span>
  );
}

function Result({ delivery: { status, error, response } }: { delivery: DeliveryAnswer }) {
  const isDelivered = status !== null && status >= 200 && status < 300;
  return (
    <span className="admin-line">
      <Badge tone={isDelivered ? "good" : "bad"}>{status ?? texts.webhooks.noResponse}</Badge>
      {error && <span className="admin-long">{error}</span>}
      {response && <code className="admin-long">{response}</code>}
    </span>
  );
}

function RewindDialog({ onRewind, onClose }: { onRewind: (after: string) => Promise<string>; onClose: () => void }) {
  const [from, setFrom] = useState<"start" | "cursor">("start");
  return (
    <ActionDialog
      title={texts.webhooks.rewindTitle}
      action={texts.webhooks.rewindAction}
      isDangerous
      onSubmit={(fields) => onRewind(from === "start" ? "start" : String(fields.get("cursor")).trim())}
      onClose={onClose}
    >
      <p>{texts.webhooks.rewindAbout}</p>
      <RadioGroup
        label={texts.webhooks.rewindFrom}
        options={[
          { value: "start", label: texts.webhooks.rewindStart },
          { value: "cursor", label: texts.webhooks.rewindCursor },
        ]}
        value={from}
        onChange={setFrom}
      />
      {from === "cursor" && (
        <label>
          {texts.webhooks.cursor}
          <input name="cursor" required autoComplete="off" spellCheck={false} />
        </label>
      )}
    </ActionDialog>
  );
}
