import type { DeskViewName } from "@talkwire/client/desk";
import { ChevronLeft, CloudOff, Inbox } from "lucide-react";
import { type KeyboardEvent, useCallback, useEffect, useId, useRef, useState } from "react";
import { Virtualizer } from "virtua";
import { texts } from "../../texts";
import { EmptyState } from "../components/empty_state";
import { IconButton } from "../components/icon_button";
import { stepOf } from "../keyboard/direction";
import { moveAmong } from "../keyboard/move_among";
import { useChat, useChatState } from "../page/chat_context";
import { useBackCloses } from "../page/use_back_closes";
import { isNarrow } from "../page/use_media";
import { useAnswerGuard } from "./answer_guard";
import { useDeskKeys } from "./desk_keys";
import { DeskRow } from "./desk_row";
import { deskTexts } from "./texts";
import { useDeskView, useShownTeam } from "./use_desk";
import "./desk.css";

const NAMES: readonly DeskViewName[] = ["waiting", "mine", "all", "closed"];

/** Pixels from the end of the list at which the next page is loaded. */
const NEAR_END = 600;

/** The desk of a team, in the place of the list of conversations. */
export default function DeskList() {
  const { state } = useChat();
  const team = useShownTeam();
  const [name, setName] = useState<DeskViewName>("waiting");
  const heading = useRef<HTMLHeadingElement>(null);
  const panelId = useId();
  const leave = (): void => state.setState({ deskId: null });
  useDeskKeys();
  useAnswerGuard();
  // A conversation that was opened leads back to the desk, and the desk to the list.
  const isInFront = useChatState(({ openId }) => openId === null);
  useBackCloses(isNarrow() && isInFront, leave, { isOfPage: true });
  // The button that has opened it is gone.
  useEffect(() => heading.current?.focus(), []);
  if (team === undefined) return null;
  return (
    <>
      <div className="desk-head">
        <IconButton icon={ChevronLeft} label={deskTexts.back} onClick={leave} />
        <h2 ref={heading} tabIndex={-1}>
          {deskTexts.title}
        </h2>
        <TeamChoice teamId={team.id} />
      </div>
      <Tabs chosen={name} panelId={panelId} onChoose={setName} />
      <Rows key={`${team.id} ${name}`} id={panelId} teamId={team.id} name={name} />
    </>
  );
}

/** The name of the team; a choice, where the reader is in several. */
function TeamChoice({ teamId }: { teamId: string }) {
  const { state } = useChat();
  const teams = useChatState((now) => now.teams);
  if (teams.length === 1)
    return (
      <span className="desk-team" dir="auto">
        {teams[0]?.name}
      </span>
    );
  return (
    <select
      className="desk-team"
      aria-label={deskTexts.team}
      value={teamId}
      onChange={({ target }) => state.setState({ deskId: target.value })}
    >
      {teams.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}

interface TabsProps {
  chosen: DeskViewName;
  panelId: string;
  onChoose: (name: DeskViewName) => void;
}

function Tabs({ chosen, panelId, onChoose }: TabsProps) {
  const pressed = (event: KeyboardEvent<HTMLElement>): void => {
    const step = stepOf(event.key);
    const next = NAMES[NAMES.indexOf(chosen) + step];
    if (step === 0 || next === undefined) return;
    event.preventDefault();
    onChoose(next);
    event.currentTarget.querySelectorAll("button")[NAMES.indexOf(next)]?.focus();
  };
  return (
    <div className="desk-tabs" role="tablist" aria-label={deskTexts.title} onKeyDown={pressed}>
      {NAMES.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          className="reach"
          aria-selected={name === chosen}
          aria-controls={panelId}
          tabIndex={name === chosen ? 0 : -1}
          onClick={() => onChoose(name)}
        >
          {deskTexts.tabs[name]}
        </button>
      ))}
    </div>
  );
}

/** The conversations of a tab. Only those in sight are in the document. */
function Rows({ id, teamId, name }: { id: string; teamId: string; name: DeskViewName }) {
  const view = useDeskView(teamId, name);
  const scroller = useRef<HTMLDivElement>(null);
  const { conversations, loaded, error } = view;
  const scrolled = useCallback(() => {
    const element = scroller.current;
    if (element === null || !view.hasMore) return;
    // A failed load is repeated when the end comes into sight.
    if (element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END)
      void view.loadMore().catch(() => undefined);
  }, [view]);
  // A short list cannot be scrolled.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs again when there are more conversations
  useEffect(scrolled, [scrolled, conversations.length]);
  return (
    <div
      ref={scroller}
      id={id}
      className="conversations desk-rows"
      role="tabpanel"
      aria-label={deskTexts.tabs[name]}
      onKeyDown={(event) => moveAmong(event, "a")}
    >
      {loaded && conversations.length === 0 && <EmptyState icon={Inbox} title={deskTexts.none[name]} isSmall />}
      {!loaded && error !== null && <EmptyState icon={CloudOff} title={error.message} isSmall />}
      {!loaded && error === null && <p className="note">{texts.loading}</p>}
      <Virtualizer scrollRef={scroller} data={conversations} as="ul" item="li" onScroll={scrolled}>
        {(conversation) => <DeskRow key={conversation.id} conversation={conversation} />}
      </Virtualizer>
    </div>
  );
}
