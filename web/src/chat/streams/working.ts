/** What follows the agents that work on an answer, in the file of what agents write. */

export { followWorking } from "@talkwire/client/parts";
