"""When the agent speaks, and when it stops. This is one turn in time.

    caller   "A table, please."                                              "mhm"
    agent    listens           .     .    .  thinks      . speaks             . pauses  . speaks
    floor    the caller's      .     .    .  answer due  . begun, the agent's . the agent's
             1                 2     3    4              5                    6         7

1. `vad` reports the voice. `preemptive` makes preflights of interim transcripts that look complete, so that
   the framework may prepare the answer.
2. The last audible sound, by `noise_floor`: all silence counts from here.
3. After 0.22 s the framework asks the turn detector; `endpointing` waits the longer, the less sure it is.
4. The turn is over. Until the answer is audible, `vad` holds it back for any sound of the caller, and
   `backchannel` withdraws it when the transcript has more words.
5. The answer begins. For 0.1 s a sound of the caller still stops it at once: the caller cannot know it yet.
6. A voice over the agent's speech: the framework pauses the agent when it lasts for `interruptAfter`.
7. `vad` ends a short voice after 0.09 s, and the agent goes on. `backchannel` drops the transcript "mhm",
   unless the agent ends within a second of it.

`floor` reports to the other modules who may speak.
"""
