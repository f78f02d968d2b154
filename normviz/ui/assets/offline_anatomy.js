// Anatomy's tensor in a file of its own.

import mount from "./anatomy.js";
import { settle } from "./held.js";

settle("nva-anatomy", mount, (bytes) => JSON.parse(new TextDecoder().decode(bytes)));
