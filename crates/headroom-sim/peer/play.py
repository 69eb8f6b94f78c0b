"""Plays sessions with the environment and the untrained agents of the PyPI package pensieve-ppo, and counts.

usage: play.py TRACES VIDEO_SIZE_PREFIX SECONDS AGENT...
One JSON object a line: agent, sessions, decisions, seconds (processor time of the loop alone, without loading), qoe.
"""

import json
import sys
import time

from pensieve_ppo.defaults import create_env_agent


def play(name, traces, sizes, seconds):
    env, agent = create_env_agent(
        name=name, trace_folder=traces, train=False, player_kwargs={"video_size_file_prefix": sizes}
    )
    sessions = decisions = 0
    total, scored = 0.0, 0
    started = time.process_time()
    while time.process_time() - started < seconds:
        request = agent.reset()
        env.reset()
        first, ended = True, False
        # A session that is cut short counts by its decisions.
        while not ended and time.process_time() - started < seconds:
            state, reward, ended, _, _ = env.step(request)
            if not first:
                total, scored = total + reward, scored + 1
            first = False
            if not ended:
                request = agent.select_action(state).action
                decisions += 1
        sessions += ended
    return {
        "agent": name,
        "sessions": sessions,
        "decisions": decisions,
        "seconds": time.process_time() - started,
        "qoe": total / max(scored, 1),
    }


if __name__ == "__main__":
    for agent_name in sys.argv[4:]:
        print(json.dumps(play(agent_name, sys.argv[1], sys.argv[2], float(sys.argv[3]))), flush=True)
