# Runs inside the node: sh -c THIS component start|stop|kill|check NAME [COMMAND...]
# A pid counts only with the start time it was recorded with, so a recycled one is never touched.
verb=$1 name=$2
shift 2
cd /run/meshwright

started() { cut -d ' ' -f 22 "/proc/$1/stat" 2>/dev/null; }
alive() { read -r pid since <"$name.pid" 2>/dev/null && [ "$(started "$pid")" = "$since" ]; }

end() { # SIGNAL TENTHS
	alive || return 0
	kill -"$1" "$pid"
	left=$2
	while alive; do
		[ "$left" -gt 0 ] || return 1
		left=$((left - 1))
		sleep 0.1
	done
}

exec 9>"$name.lock"
flock 9
case $verb in
check) alive ;;
stop) end TERM 100 || end KILL 50 ;;
kill) end KILL 50 ;;
start)
	alive && exit 0
	setsid "$@" >>"/var/log/$name.log" 2>&1 </dev/null 9>&- &
	echo "$! $(started $!)" >"$name.pid"
	;;
esac
