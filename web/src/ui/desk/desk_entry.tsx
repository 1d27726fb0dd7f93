import { Headset } from "lucide-react";
import { SideCount } from "../components/side_count";
import { useChat, useChatState } from "../page/chat_context";
import { useAnswerGuard } from "./answer_guard";
import { useDeskKeys } from "./desk_keys";
import { deskTexts } from "./texts";
import { useShownTeam, useWaitingCount } from "./use_desk";

/** Opens the desk of the reader's team in the place of the list of conversations, and shows how many wait there. */
export default function DeskEntry() {
  const { state } = useChat();
  const teams = useChatState((now) => now.teams);
  const team = useShownTeam();
  const waiting = useWaitingCount(teams);
  useDeskKeys();
  useAnswerGuard();
  return (
    <button
      type="button"
      className={waiting > 0 ? "side-button reach unread" : "side-button reach"}
      onClick={() => state.setState({ deskId: team?.id ?? null })}
    >
      <Headset className="icon" aria-hidden="true" />
      <span>{deskTexts.title}</span>
      <SideCount count={waiting} words={deskTexts.waitingCount(waiting)} />
    </button>
  );
}
