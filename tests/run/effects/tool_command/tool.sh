# One reply a line: the request it was given and its number; `fail` in it makes an error.
n=0
while read -r request; do
  n=$((n + 1))
  case "$request" in
    *fail*) echo "{\"error\": \"refused $n\"}" ;;
    *) echo "{\"ok\": [$n, $request]}" ;;
  esac
done
