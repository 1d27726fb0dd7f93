import type { SignedInDevice, User } from "@talkwire/client";
import { useState } from "react";
import { download } from "../../server/download";
import { RadioGroup } from "../../ui/components/radio_group";
import { hrefOf } from "../address";
import { useApi, useSay } from "../admin_context";
import type { UserAnswer } from "../answers";
import type { Page } from "../data/page_list";
import { type Loaded, useLoaded } from "../data/use_loaded";
import { ActionDialog } from "../parts/action_dialog";
import { CopiedId } from "../parts/copied_id";
import { Facts } from "../parts/facts";
import { type Column, Problem, Table } from "../parts/table";
import { ExactTime, Time } from "../parts/time";
import { View } from "../parts/view";
import { texts } from "../texts";
import { BanDialog } from "./ban_dialog";
import { UserState } from "./users";

type Asked = { kind: "ban" | "unban" | "erase" } | { kind: "session"; session: SignedInDevice } | null;

/** One user: the profile, the sign-ins, and what an operator can do. */
export function UserView({ id }: { id: string }) {
  const api = useApi();
  const say = useSay();
  const path = `users/${encodeURIComponent(id)}`;
  const profile = useLoaded<User>(path);
  // The list has what only operators see.
  const row = useLoaded<Page<UserAnswer>>(`admin/users?q=${encodeURIComponent(id)}&limit=50`);
  const sessions = useLoaded<Page<SignedInDevice>>(`admin/${path}/sessions`);
  const [asked, setAsked] = useState<Asked>(null);
  const user = profile.value;
  const state = row.value?.items.find((each) => each.id === id);
  const name = user?.name ?? id;
  const isBanned = user?.banned === true;
  const close = (): void => setAsked(null);
  const reload = (): void => {
    for (const each of [profile, row, sessions]) void each.reload();
  };
  const act = async (action: () => Promise<unknown>, outcome: string): Promise<string> => {
    await action();
    reload();
    return outcome;
  };
  const exportData = (): void => {
    api.exportUrl(`api/v1/${path}/export`).then(
      (address) => {
        download(address, "export.zip");
        say(texts.users.exported);
      },
      (error: Error) => say(error.message),
    );
  };
  const tools = user !== undefined && user.erased !== true && (
    <>
      <button type="button" onClick={exportData}>
        {texts.users.export}
      </button>
      <button
        type="button"
        className={isBanned ? "" : "danger"}
        onClick={() => setAsked({ kind: isBanned ? "unban" : "ban" })}
      >
        {isBanned ? texts.users.unban : texts.users.ban}
      </button>
      <button type="button" className="danger" onClick={() => setAsked({ kind: "erase" })}>
        {texts.users.erase}
      </button>
    </>
  );
  return (
    <View title={name} back={{ href: hrefOf("users"), text: texts.users.back }} tools={tools}>
      {profile.problem !== "" && <Problem text={profile.problem} onRetry={reload} />}
      {user && (
        <>
          <Profile user={user} state={state} />
          <nav className="admin-links" aria-label={texts.users.more}>
            <a href={hrefOf("connections", { userId: id })}>{texts.users.theirConnections}</a>
            <a href={hrefOf("refusals", { userId: id })}>{texts.users.theirRefusals}</a>
            <a href={hrefOf("audit", { targetId: id })}>{texts.users.theirAudit}</a>
          </nav>
          <h2>{texts.users.sessions}</h2>
          <Sessions sessions={sessions} onEnd={(session) => setAsked({ kind: "session", session })} />
        </>
      )}
      {asked?.kind === "ban" && <BanDialog id={id} name={name} onDone={reload} onClose={close} />}
      {asked?.kind === "unban" && (
        <ActionDialog
          title={texts.users.unbanTitle(name)}
          action={texts.users.unbanAction}
          onSubmit={() => act(() => api.delete(`${path}/ban`), texts.users.unbannedDone(name))}
          onClose={close}
        >
          <p>{texts.users.unbanAbout}</p>
        </ActionDialog>
      )}
      {asked?.kind === "erase" && (
        <EraseDialog
          name={name}
          onErase={(messages) => act(() => api.delete(`${path}?messages=${messages}`), texts.users.erasedDone(name))}
          onClose={close}
        />
      )}
      {asked?.kind === "session" && (
        <ActionDialog
          title={texts.users.endSessionTitle}
          action={texts.users.endSession}
          isDangerous
          onSubmit={() =>
            act(
              () => api.delete(`admin/${path}/sessions/${encodeURIComponent(asked.session.id)}`),
              texts.users.sessionEnded,
            )
          }
          onClose={close}
        >
          <p>{texts.users.endSessionAbout(asked.session.userAgent || asked.session.id)}</p>
        </ActionDialog>
      )}
    </View>
  );
}

function Profile({ user, state }: { user: User; state: UserAnswer | undefined }) {
  const banned = state?.banned;
  return (
    <Facts
      facts={{
        [texts.users.id]: <CopiedId id={user.id} />,
        [texts.users.state]: state && <UserState user={state} />,
        [texts.users.bannedUntil]: banned?.until && <ExactTime at={banned.until} />,
        [texts.reason]: banned?.reason,
        [texts.users.handle]: user.handle && `@${user.handle}`,
        [texts.users.kind]: user.kind === "agent" && texts.users.agent,
        [texts.users.owner]: user.ownerId && <CopiedId id={user.ownerId} />,
        [texts.users.email]: user.email,
        [texts.users.connections]: state?.connections,
        [texts.users.seen]: state && !state.online && <Time at={state.lastSeenAt} />,
        [texts.users.created]: <Time at={user.createdAt} />,
        [texts.users.hold]: user.hold && texts.users.holds,
      }}
    />
  );
}

interface SessionsProps {
  sessions: Loaded<Page<SignedInDevice>>;
  onEnd: (session: SignedInDevice) => void;
}

function Sessions({ sessions: { value, problem, reload }, onEnd }: SessionsProps) {
  if (problem !== "") return <Problem text={problem} onRetry={() => void reload()} />;
  if (value === undefined || value.items.length === 0)
    return <p className="admin-nothing">{value === undefined ? texts.loading : texts.users.noSessions}</p>;
  const columns: readonly Column<SignedInDevice>[] = [
    { name: texts.users.device, cell: ({ userAgent, id }) => <span className="admin-long">{userAgent || id}</span> },
    { name: texts.users.address, cell: ({ address }) => address || texts.none },
    { name: texts.users.lastUsed, cell: ({ lastSeenAt }) => <Time at={lastSeenAt} /> },
    { name: texts.users.created, cell: ({ createdAt }) => <Time at={createdAt} /> },
    {
      name: texts.actions,
      hasHiddenName: true,
      cell: (session) => (
        <button type="button" className="danger" onClick={() => onEnd(session)}>
          {texts.users.endSession}
        </button>
      ),
    },
  ];
  return <Table label={texts.users.sessions} columns={columns} items={value.items} keyOf={({ id }) => id} />;
}

interface EraseProps {
  name: string;
  onErase: (messages: "keep" | "redact") => Promise<string>;
  onClose: () => void;
}

function EraseDialog({ name, onErase, onClose }: EraseProps) {
  const [messages, setMessages] = useState<"keep" | "redact">("keep");
  return (
    <ActionDialog
      title={texts.users.eraseTitle(name)}
      action={texts.users.eraseAction}
      isDangerous
      onSubmit={() => onErase(messages)}
      onClose={onClose}
    >
      <p>{texts.users.eraseAbout}</p>
      <RadioGroup
        label={texts.users.messages}
        options={[
          { value: "keep", label: texts.users.keep },
          { value: "redact", label: texts.users.redact },
        ]}
        value={messages}
        onChange={setMessages}
      />
    </ActionDialog>
  );
}
