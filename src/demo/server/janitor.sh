# Outlives the owner of a throw-away server and cleans up after it.
# $1: the server's directory. Standard input: the process ids that the owner starts, one a line, the last one
# counts, an empty line for none. It ends when the owner does, however that happens.
trap '' HUP INT TERM
dir=$1
started=
while read -r line; do started=$line; done

# Process ids are used again, so a process is ours only when it works inside the directory.
ours() {
    [ -n "$1" ] || return 1
    if [ -d /proc/self ]; then
        where=$(readlink "/proc/$1/cwd") || return 1
        case $where in "$dir" | "$dir "* | "$dir"/*) return 0 ;; esac
        return 1
    fi
    case $(ps -o command= -p "$1") in *"$dir"/*) return 0 ;; esac
    return 1
}

# 10 s for an immediate shutdown, which itself kills stuck backends after 5 s; then 5 s by force.
round=0
while [ "$round" -lt 150 ]; do
    alive=
    for pid in "$started" "$(head -n 1 "$dir/data/postmaster.pid")"; do
        ours "$pid" || continue
        alive=yes
        if [ "$round" -lt 100 ]; then kill -QUIT "$pid"; else kill -KILL "$pid"; fi
        kill -CONT "$pid" # one that was stopped gets its signal only now
    done
    if [ -z "$alive" ]; then
        rm -rf "$dir"
        [ -e "$dir" ] || exit 0
    fi
    round=$((round + 1))
    sleep 0.1
done
rm -rf "$dir"
