// A run in a file of its own: all that is played stands in the document.

import { inflated, themed, told } from "./held.js";
import { mount } from "./stage.js";

const data = { ...told(), assets: ".", stream: "none", recording: await inflated() };
const component = { data, parentElement: document.getElementById("stage"), setTriggerValue: () => {} };
themed(() => mount(component));
