-- Figures of several rounds: medians, ranges, ratios; and tables of them.
local figures = {}

-- Those that are there, in order: a round that went wrong has false.
local function sort(list)
	local sorted = {}
	for _, value in ipairs(list) do
		if value then sorted[#sorted + 1] = value end
	end
	table.sort(sorted)
	return sorted
end

function figures.median(list)
	local sorted = sort(list)
	if #sorted == 0 then return nil end
	local middle = #sorted // 2
	if #sorted % 2 == 1 then return sorted[middle + 1] end
	return (sorted[middle] + sorted[middle + 1]) / 2
end

-- Appends to the list of that name.
function figures.add(lists, name, value)
	lists[name] = lists[name] or {}
	table.insert(lists[name], value)
end

-- What each round has of `key`, or false.
function figures.column(rounds, key)
	local list = {}
	for i, round in ipairs(rounds) do list[i] = round[key] or false end
	return list
end

-- The median of the ratios round by round: noise that lasts longer than a round hits both.
function figures.ratio(above, below)
	local list = {}
	for i = 1, math.min(#above, #below) do
		if above[i] and below[i] and below[i] > 0 then list[#list + 1] = above[i] / below[i] end
	end
	return figures.median(list)
end

-- Three digits that count: 3.14, 31.4, 314, 3,140
function figures.show(n)
	if not n then return "–" end
	if n >= 999.5 then
		local text = ("%.0f"):format(n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
		return (text:gsub("^,", ""))
	end
	return (n >= 100 and "%.0f" or n >= 10 and "%.1f" or "%.2f"):format(n)
end

-- "31.4 (30.2–33.0)"
function figures.spread(list)
	local sorted = sort(list)
	local median = figures.show(figures.median(sorted))
	if #sorted < 2 then return median end
	return ("%s (%s–%s)"):format(median, figures.show(sorted[1]), figures.show(sorted[#sorted]))
end

-- A table in Markdown; a cell may hold a bar, and be two.
function figures.write(rows)
	for i, row in ipairs(rows) do
		local line = "| " .. table.concat(row, " | ") .. " |"
		io.write(line, "\n")
		if i == 1 then io.write("|", ("---|"):rep(select(2, line:gsub("|", "")) - 1), "\n") end
	end
	io.write "\n"
	io.flush()
end

-- "met" or "missed", or nothing when there is nothing to judge.
function figures.verdict(value, limit, at_least)
	if not value then return "–" end
	return (at_least and value >= limit or not at_least and value <= limit) and "met" or "missed"
end

return figures
